"""Attention distraction: a class of lures draws away what the mark uses."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_repair.papers import DISTRACTION

_MIRA = {
    "content": (0.874, 0.475),
    "noise": (0.895, 0.981),
    "unrelated": (0.885, 0.515),
    "piracy": (0.706, 0.409),
    "ewe": (0.858, 0.524),
    "adi": (0.894, 0.522),
    "frontier_stitching": (0.925, 0.994),
    "exponential_weighting": (0.925, 1.0),
    "blind": (0.898, 0.912),
    "guo": (0.860, 0.513),
}
"""Scheme -> accuracy and rescaled watermark accuracy on CIFAR-10 with 1,000 images."""


def _reported() -> Iterable[Reported]:
    for scheme, (accuracy, rescaled) in _MIRA.items():
        place = ("MIRA paper, Table 4 (Distraction)", "cifar10", "resnet", scheme, "distract")
        yield Reported(accuracy, "accuracy", *place)
        yield Reported(rescaled, "rescaled_accuracy", *place)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="distract",
            kind=Kind.ATTACK,
            target="ownmark_repair.distract.attack:Distract",
            config="ownmark_repair.distract.config:DistractConfig",
            summary="teach a class of lures that does not exist, keep the answers to everything else, drop the class",
            paper=DISTRACTION,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"recipe": {"epochs": 1}, "lures": 16},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and unlabelled images, in-distribution or of another dataset",
            deviations=(
                "re-derived: the full text was not at hand; losses, weights, rate and number of lures are ours",
                "without further images lures are the thief's own with their blocks in disorder",
            ),
            reported=tuple(_reported()),
        )
    ]
