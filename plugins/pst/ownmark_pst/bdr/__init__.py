"""BdR: bit-depth reduction."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import SQUEEZING
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="bdr",
            kind=Kind.ATTACK,
            target="ownmark_pst.bdr.attack:BitDepth",
            config="ownmark_pst.bdr.config:BitDepthConfig",
            summary="queries keep only their highest bits",
            paper=SQUEEZING,
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=(
                "1 bit; the PST paper tunes it until accuracy falls below 70 %, and does not say where",
            ),
            reported=reported("bdr", "BdR"),
        )
    ]
