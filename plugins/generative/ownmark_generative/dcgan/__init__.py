"""DCGAN: pictures out of latent vectors."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_generative.papers import DCGAN


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The host."""
    return [
        Declaration(
            id="dcgan",
            kind=Kind.HOST,
            target="ownmark_generative.dcgan.host:DCGAN",
            config="ownmark_generative.dcgan.config:DCGANConfig",
            summary="makes pictures of 8 to 64 pixels; hinge loss against a critic under spectral norm",
            paper=DCGAN,
            api=3,
            smoke={"width": 4, "latent": 8, "critic_width": 4, "recipe": {"epochs": 1}},
            deviations=(
                "hinge loss and spectral norm, as IPR-GAN's code has them; the paper of 2016 has neither",
                "a recipe counts epochs; IPR-GAN's takes 100,000 steps",
                "two blocks that double the picture below 32 pixels, three from there",
            ),
        )
    ]
