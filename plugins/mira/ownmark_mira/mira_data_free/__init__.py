"""MIRA without a single image: the recovered pictures keep the task, too."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_mira.papers import MIRA
from ownmark_mira.tables import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="mira_data_free",
            kind=Kind.ATTACK,
            target="ownmark_mira.mira_data_free.attack:MiraDataFree",
            config="ownmark_mira.mira_data_free.config:MiraDataFreeConfig",
            summary="MIRA without any images, where it finds one target class; else it leaves the network alone",
            paper=MIRA,
            needs=frozenset({Need.CLASSES}),
            smoke={
                "samples": 6,
                "iterations": 3,
                "draws": 2,
                "treat_as": "fixed",
                "recipe": {"epochs": 1, "batch_size": 4},
            },
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and no data",
            deviations=(
                "priors per pixel and per image, pixel noise in pixels: as in `mira`",
                "where no target class stands out the network is given back as it was (the paper names no objective)",
                "the row of Table 6 is damaged in the copy at hand; its best reading is given",
            ),
            reported=tuple(reported("mira_data_free")),
        )
    ]
