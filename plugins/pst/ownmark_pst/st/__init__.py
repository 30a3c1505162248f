"""ST: PST without its pattern."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import PST
from ownmark_pst.pst import UNSTATED
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="st",
            kind=Kind.ATTACK,
            target="ownmark_pst.pst.attack:PST",
            config="ownmark_pst.pst.config:STConfig",
            summary="every query is enlarged, warped and shrunk; the weights stay",
            paper=PST,
            smoke={"beta": 3},
            idle={"gamma": 0.0},
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=UNSTATED,
            reported=reported("st", "ST"),
        )
    ]
