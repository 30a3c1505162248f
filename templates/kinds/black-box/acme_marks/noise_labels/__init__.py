"""Random labels for images of noise."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need

_NO_PAPER = "no paper: an example, written for this pack"
_NEEDS = frozenset({Need.BLACK_BOX, Need.CLASSES})


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="noise_labels",
            kind=Kind.SCHEME,
            target="acme_marks.noise_labels.scheme:NoiseLabels",
            config="acme_marks.noise_labels.config:NoiseLabelsConfig",
            summary="random labels for images of noise, learnt together with the owner's images",
            needs=_NEEDS,
            extractor="noise_labels",
            smoke={"triggers": 12},
            threat_model="verifier queries the suspect; triggers and labels are secret",
            deviations=(_NO_PAPER,),
            api=2,
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="noise_labels",
            kind=Kind.EXTRACTOR,
            target="acme_marks.noise_labels.extractor:NoiseLabelsReader",
            summary="asks about the key's images and compares the labels",
            needs=_NEEDS,
            deviations=(_NO_PAPER,),
            api=2,
        )
    ]
