"""Fine-tuning with the stolen network's own labels."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_pst.papers import SHAFIEINEJAD
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="finetune_unlabelled",
            kind=Kind.ATTACK,
            target="ownmark_pst.finetune_unlabelled.attack:FinetuneUnlabelled",
            config="ownmark_pst.finetune_unlabelled.config:FinetuneUnlabelledConfig",
            summary="train on with unlabelled images that the stolen network labels (FT-In, FT-Out)",
            paper=SHAFIEINEJAD,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and unlabelled images",
            deviations=("as in the PST paper, with its 20 epochs; learning rate .05, falling as a cosine",),
            reported=reported("finetune_unlabelled", "FT-In", "FT-Out"),
        )
    ]
