"""The extractor of every scheme whose key is a list of inputs and labels."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_triggers.papers import THREAT_MODEL, ZHANG


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="triggers",
            kind=Kind.EXTRACTOR,
            target="ownmark_triggers.triggers.extractor:Triggers",
            summary="share of the key's triggers that a suspect labels as the mark says",
            paper=ZHANG,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            threat_model=THREAT_MODEL,
        )
    ]
