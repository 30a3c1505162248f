"""DeepInversion in MIRA's place: realistic pictures of all classes at once, unlearned in the same way."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_mira.papers import DEEPINVERSION
from ownmark_mira.tables import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="deepinversion",
            kind=Kind.ATTACK,
            target="ownmark_mira.deepinversion.attack:DeepInversion",
            config="ownmark_mira.deepinversion.config:DeepInversionConfig",
            summary="recover pictures of all classes at once (DeepInversion) and unlearn them as MIRA does",
            paper=DEEPINVERSION,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"samples": 6, "iterations": 3, "draws": 2, "recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and a few images, labelled or of another dataset without labels",
            deviations=(
                "every batch holds each class equally often; the authors' 256 pictures have six classes once more",
                "pixels are cut off at 0 and 1 once they are found, since networks here take pixels",
                "unlearning is MIRA's; the paper distils a student from the pictures",
                "reported figures are from the MIRA paper's comparison, whose unlearning is not stated",
            ),
            reported=tuple(reported("deepinversion")),
        )
    ]
