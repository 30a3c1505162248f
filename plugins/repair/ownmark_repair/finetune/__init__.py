"""Fine-tuning: train on, without the mark's loss."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_repair.papers import APP

_TABLE_1 = {"content": 0.5678, "noise": 0.2838, "unrelated": 0.1882}
"""Scheme -> share of fresh triggers left on CIFAR-10 after fine-tuning (vanilla embedding)."""


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="finetune",
            kind=Kind.ATTACK,
            target="ownmark_repair.finetune.attack:Finetune",
            config="ownmark_repair.finetune.config:FinetuneConfig",
            summary="train on with a large learning rate; FTAL, FTLL, RTAL and RTLL by parameters",
            paper=APP,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            api=3,
            threat_model="thief holds the weights and images, labelled or not",
            deviations=("BatchNorm below a lone last layer stays in eval mode (the SoK code lets it drift)",),
            reported=tuple(
                Reported(
                    wsr, "wsr", "APP paper, Table 1 (Vanilla, FT)", "cifar10", "resnet", scheme, "finetune"
                )
                for scheme, wsr in _TABLE_1.items()
            ),
        )
    ]
