"""Undo permutation, scale and sign of a suspect with the help of the owner's own copy, then read it."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_invariance.papers import INVARIANCE


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="align",
            kind=Kind.EXTRACTOR,
            target="ownmark_invariance.align.extractor:Align",
            config="ownmark_invariance.align.config:AlignConfig",
            summary="puts the suspect's neurons into order, scale and sign of the owner's copy, then reads as usual",
            paper=INVARIANCE,
            needs=frozenset({Need.WHITE_BOX, Need.OWN_COPY}),
            smoke={"extractor": "uchida"},
            threat_model="verifier holds the suspect's weights and the owner's own marked copy",
            deviations=(
                "the paper names recovering the model as a mitigation (VII-D) and says no more; the way is ours",
            ),
        )
    ]
