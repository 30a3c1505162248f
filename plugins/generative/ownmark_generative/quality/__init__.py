"""Metrics of what is made: FID on features that the id names, SSIM, BLEU."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_generative.papers import BLEU, FID, SSIM

_FEATURES = {
    "random": ("RandomFID", "a random convolution network's", ()),
    "pixels": ("PixelFID", "pixels, at most 8 x 8 of them,", ()),
    "inception": ("InceptionFID", "Inception's, which torch-fidelity downloads,", ("torch_fidelity",)),
}
_SMOOTH = "no smoothing: a text without a matching n-gram counts 0"


def _fid(name: str) -> Declaration:
    target, words, packages = _FEATURES[name]
    return Declaration(
        id=f"fid_{name}",
        kind=Kind.METRIC,
        target=f"ownmark_generative.quality.frechet:{target}",
        summary=f"Frechet distance between {words} features of made and of real pictures",
        paper=FID,
        needs=frozenset({Need.GENERATED}),
        requires=dict.fromkeys(packages, "inception"),
    )


@hookimpl
def ownmark_metrics() -> Iterable[Declaration]:
    """The metrics."""
    yield from map(_fid, _FEATURES)
    yield Declaration(
        id="ssim",
        kind=Kind.METRIC,
        target="ownmark_generative.quality.similarity:NearestSSIM",
        summary="mean SSIM of each made picture with the real one that is most like it",
        paper=SSIM,
        needs=frozenset({Need.GENERATED}),
        deviations=("SSIM compares two pictures; of a generator's, the nearest of 200 real ones is taken",),
    )
    for n in range(1, 5):
        yield Declaration(
            id=f"bleu_{n}",
            kind=Kind.METRIC,
            target=f"ownmark_generative.quality.captions:Bleu{n}",
            summary=f"BLEU-{n} of captions against all references, on token ids",
            paper=BLEU,
            needs=frozenset({Need.CAPTIONS}),
            deviations=(_SMOOTH,),
        )
