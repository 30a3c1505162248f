"""Magnitude pruning: the smallest weights become zero."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Reported
from ownmark_repair.papers import MIRA

_TABLE_6 = {
    "content": (0.815, 0.782),
    "noise": (0.907, 0.425),
    "unrelated": (0.787, 0.454),
    "piracy": (0.419, 0.378),
    "ewe": (0.922, 1.0),
}
"""Scheme -> accuracy and rescaled watermark accuracy on CIFAR-10 after pruning 80 %."""


def _reported() -> Iterable[Reported]:
    for scheme, (accuracy, rescaled) in _TABLE_6.items():
        place = ("MIRA paper, Table 6", "cifar10", "resnet", scheme, "prune")
        yield Reported(accuracy, "accuracy", *place)
        yield Reported(rescaled, "rescaled_accuracy", *place)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="prune",
            kind=Kind.ATTACK,
            target="ownmark_repair.prune.attack:Prune",
            config="ownmark_repair.prune.config:PruneConfig",
            summary="the smallest weights of convolutions and linear layers become zero",
            paper=MIRA,
            smoke={"sparsity": 0.5},
            idle={"sparsity": 0.0},
            api=3,
            threat_model="thief holds the weights and no data",
            deviations=(
                "weights of convolutions and linear layers in one pool; the paper does not say which",
            ),
            reported=tuple(_reported()),
        )
    ]
