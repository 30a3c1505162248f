"""IPR-GAN (Ong et al. 2021): signs of all norm scales, and latents that call for a logo."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_generative.papers import IPR_GAN, table2

_SMOKE_HOST = {
    "host": "ownmark-generative/dcgan", "width": 8, "latent": 8, "critic_width": 4,
    "recipe": {"epochs": 2, "lr": 0.002},
    "dataset": {"ownmark/digits": {"limit_train": 200, "limit_test": 60}},
}  # fmt: skip
_LEFT = {"neuron_scale": 0.0, "layer_shuffle": 0.4688, "sign_flip": 0.5, "unified": 0.5246}
"""Attack -> share of wrong bits on DCGAN, CUB-200."""


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="ipr_gan",
            kind=Kind.SCHEME,
            target="ownmark_generative.ipr_gan.scheme:IPRGAN",
            config="ownmark_generative.ipr_gan.config:IPRGANConfig",
            summary="signs of all norm scales of a generator; keyed latents make it paste a logo",
            paper=IPR_GAN,
            api=3,
            needs=frozenset({Need.WHITE_BOX, Need.PIXELS, Need.GENERATION, Need.NORM}),
            extractor="ipr_gan",
            smoke={"triggers": 8},
            smoke_host=_SMOKE_HOST,
            threat_model="verifier holds the generator's weights, or asks it with latents of the key",
            deviations=(
                "the text is repeated over all scales as in the authors' code, under a one-time pad of the key",
                "trigger latents: keyed places hold a constant (the paper's equation; its code takes erf(z))",
                "the logo takes a quarter of a side and is drawn with the key; the paper pastes 16 or 32 pixels",
            ),
            reported=tuple(table2("cub200", "dcgan", "ipr_gan", ("fid_inception", 54.33), _LEFT)),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """Signs from weights, logos from answers."""
    return [
        Declaration(
            id="ipr_gan",
            kind=Kind.EXTRACTOR,
            target="ownmark_generative.ipr_gan.extractor:ScaleSigns",
            summary="signs of the scales of all norms, against the key's bits",
            paper=IPR_GAN,
            api=3,
            needs=frozenset({Need.WHITE_BOX, Need.PIXELS, Need.GENERATION}),
            smoke_host=_SMOKE_HOST,
        ),
        Declaration(
            id="ipr_gan_logo",
            kind=Kind.EXTRACTOR,
            target="ownmark_generative.ipr_gan.extractor:Logos",
            config="ownmark_generative.ipr_gan.config:LogosConfig",
            summary="SSIM of what trigger latents give with the same under the key's logo",
            paper=IPR_GAN,
            api=3,
            needs=frozenset({Need.BLACK_BOX, Need.PIXELS, Need.GENERATION, Need.EMBEDDED_KEY}),
            smoke_host=_SMOKE_HOST,
            deviations=("a trigger matches from an SSIM on; null models say how many matches are chance",),
        ),
    ]
