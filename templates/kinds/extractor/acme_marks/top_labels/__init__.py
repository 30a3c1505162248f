"""An extractor for any scheme whose key has triggers and labels."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="top_labels",
            kind=Kind.EXTRACTOR,
            target="acme_marks.top_labels.extractor:TopLabels",
            config="acme_marks.top_labels.config:TopLabelsConfig",
            summary="asks about the key's triggers; a label among the most probable ones matches",
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            smoke={"best": 1},
            threat_model="verifier queries the suspect and sees probabilities",
            deviations=("no paper: an example, written for this pack",),
            api=2,
        )
    ]
