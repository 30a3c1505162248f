"""Zhang et al. 2018, unrelated: images of something else."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_triggers.papers import DEVIATIONS, THREAT_MODEL, ZHANG, mira, vanilla


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="unrelated",
            kind=Kind.SCHEME,
            target="ownmark_triggers.unrelated.scheme:Unrelated",
            config="ownmark_triggers.unrelated.config:UnrelatedConfig",
            summary="images that have nothing to do with the task, all labelled alike",
            paper=ZHANG,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 10, "heldout": 20},
            threat_model=THREAT_MODEL,
            deviations=(
                *DEVIATIONS,
                "foreign images are drawn letters unless a dataset is given (the APP paper takes SVHN zeros)",
            ),
            reported=(
                *vanilla("unrelated", 0.9352, 1.0),
                *mira("unrelated", (0.9894, 0.0880), (0.9365, 0.0931), (0.7593, 0.0305)),
            ),
        )
    ]
