"""MIRA without a single image: the recovered pictures keep the task, too."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_mira.papers import MIRA, cifar10

_TABLE_6 = {
    "content": (89.8, 45.8), "noise": (88.6, 5.7), "unrelated": (88.8, 46.0), "piracy": (90.0, 39.6),
    "ewe": (90.7, 48.3),
}  # fmt: skip


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
            reported=cifar10("mira_data_free", "MIRA paper, Table 6 (improved)", _TABLE_6),
        )
    ]
