"""Overwriting: embed a mark of one's own in the stolen network."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper

PAPER = Paper(
    title="Attacks on Digital Watermarks for Deep Neural Networks",
    authors="Wang, Kerschbaum",
    year=2019,
    venue="ICASSP",
)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="overwrite",
            kind=Kind.ATTACK,
            target="ownmark_forgery.overwrite.attack:Overwrite",
            config="ownmark_forgery.overwrite.config:OverwriteConfig",
            summary="embed a mark of one's own, of any scheme, in the stolen network",
            paper=PAPER,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"scheme": {"uchida": {"bits": 16, "start": "trained", "recipe": {"epochs": 1}}}},
            idle={"scheme": {"uchida": {"bits": 16, "start": "trained", "recipe": {"epochs": 0}}}},
            threat_model="thief holds the weights and images, and knows the kind of scheme; its layer by parameter",
            deviations=(
                "images carry the stolen network's own labels unless told otherwise (SoK)",
                "the scheme's own losses and recipe embed; nothing works towards the owner's mark",
            ),
        )
    ]
