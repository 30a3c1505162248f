"""IPR-IC (Lim et al. 2022): signs of the LSTM's hidden state, and a key on the state."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_generative.papers import IPR_IC, table2

_SMOKE_HOST = {
    "host": "ownmark-generative/captioner", "width": 4, "hidden": 24, "words": 8, "attention": 8, "length": 6,
    "recipe": {"epochs": 6}, "dataset": {"ownmark-generative/captioned_shapes": {"train": 160, "test": 40}},
}  # fmt: skip
_LEFT = {"neuron_scale": 0.0, "layer_shuffle": 0.4813, "sign_flip": 0.5, "unified": 0.5125}
"""Attack -> share of wrong bits."""


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="ipr_ic",
            kind=Kind.SCHEME,
            target="ownmark_generative.ipr_ic.scheme:IPRIC",
            config="ownmark_generative.ipr_ic.config:IPRICConfig",
            summary="signs of the hidden state after the first step; a key of signs on the state",
            paper=IPR_IC,
            api=3,
            needs=frozenset({Need.WHITE_BOX, Need.PIXELS, Need.CAPTIONING}),
            extractor="ipr_ic",
            smoke_host=_SMOKE_HOST,
            threat_model="verifier holds the captioner's weights, and runs it on pictures of the key",
            deviations=(
                "the sign loss acts on the first step's state, which is the one read; the authors' on every step's",
                "the text is repeated over the units under a one-time pad; bits are read by majority over pictures",
                "the key multiplies the state and is released with the weights; the paper also adds keys",
            ),
            reported=tuple(table2("coco", "captioner", "ipr_ic", ("bleu_1", 0.7206), _LEFT)),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="ipr_ic",
            kind=Kind.EXTRACTOR,
            target="ownmark_generative.ipr_ic.extractor:StateSigns",
            summary="signs of the hidden state after the first step, by majority over the key's pictures",
            paper=IPR_IC,
            api=3,
            needs=frozenset({Need.WHITE_BOX, Need.PIXELS, Need.CAPTIONING}),
            smoke_host=_SMOKE_HOST,
        )
    ]
