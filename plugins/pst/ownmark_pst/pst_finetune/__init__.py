"""PST with fine-tuning on unlabelled images."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_pst.papers import PST
from ownmark_pst.pst import UNSTATED
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="pst_finetune",
            kind=Kind.ATTACK,
            target="ownmark_pst.pst_finetune.attack:PSTFinetune",
            config="ownmark_pst.pst_finetune.config:PSTFinetuneConfig",
            summary="fine-tuned on warped unlabelled images that it labelled itself, then served behind the warp",
            paper=PST,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"beta": 3, "v": 4, "recipe": {"epochs": 1}},
            idle={"gamma": 0.0, "grid": False, "recipe": {"epochs": 0}},
            threat_model="thief holds the weights and unlabelled images; transforms queries",
            deviations=(
                *UNSTATED,
                "learning rate .05, falling as a cosine (the paper's .1 is its models' own)",
            ),
            reported=reported("pst_finetune", "Proposed-In", "Proposed-Out"),
        )
    ]
