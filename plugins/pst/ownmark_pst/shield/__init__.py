"""SHIELD: stochastic local quantisation."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import SHIELD
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="shield",
            kind=Kind.ATTACK,
            target="ownmark_pst.shield.attack:Shield",
            config="ownmark_pst.shield.config:ShieldConfig",
            summary="each 8 x 8 block of a query is taken from one of four JPEG versions of it, at random",
            paper=SHIELD,
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=(
                "compression alone, without the retraining that SHIELD calls vaccination (as in the PST paper)",
            ),
            reported=reported("shield", "Shield"),
        )
    ]
