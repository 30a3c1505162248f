"""Zhang et al. 2018, content: a text on clean images."""

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
            id="content",
            kind=Kind.SCHEME,
            target="ownmark_triggers.content.scheme:Content",
            config="ownmark_triggers.content.config:ContentConfig",
            summary="a fixed text stamped on clean images, all labelled alike",
            paper=ZHANG,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 10},
            threat_model=THREAT_MODEL,
            deviations=(
                *DEVIATIONS,
                "the text is TEST in a 5 x 7 font, TE in 3 x 5 dots on images narrower than 28 pixels",
            ),
            reported=(
                *vanilla("content", 0.9386, 0.9956),
                *mira("content", (0.9908, 0.0083), (0.9377, 0.1044), (0.7627, 0.0244)),
            ),
        )
    ]
