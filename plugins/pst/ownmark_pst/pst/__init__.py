"""PST: a faint pattern and random warps in front of the network."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import PST
from ownmark_pst.table1 import reported

UNSTATED = (
    "unstated in the paper: median window 3 x 3, affine = rotation and shift, sigma 8 at 160 pixels, no antialiasing",
    "gamma, stated at 160 pixels, scales with the image",
)
"""Deviations of everything that warps."""


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="pst",
            kind=Kind.ATTACK,
            target="ownmark_pst.pst.attack:PST",
            config="ownmark_pst.pst.config:PSTConfig",
            summary="every query is enlarged, given a faint pattern, warped and shrunk; the weights stay",
            paper=PST,
            smoke={"beta": 3, "v": 4},
            idle={"gamma": 0.0, "grid": False},
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=UNSTATED,
            reported=reported("pst", "PST"),
        )
    ]
