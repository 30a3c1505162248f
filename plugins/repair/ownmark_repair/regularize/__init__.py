"""Regularisation: shrink the weights, then fine-tune."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_repair.papers import REGULARIZATION

_MIRA = {
    "content": (0.603, 1.0),
    "noise": (0.547, 0.915),
    "unrelated": (0.828, 1.0),
    "piracy": (0.769, 1.0),
    "ewe": (0.682, 0.476),
    "adi": (0.554, 0.738),
    "frontier_stitching": (0.723, 0.816),
    "exponential_weighting": (0.690, 0.821),
    "blind": (0.698, 0.836),
    "guo": (0.757, 0.872),
}
"""Scheme -> accuracy and rescaled watermark accuracy on CIFAR-10 with 1,000 images."""


def _reported() -> Iterable[Reported]:
    for scheme, (accuracy, rescaled) in _MIRA.items():
        place = ("MIRA paper, Table 4 (Regularization)", "cifar10", "resnet", scheme, "regularize")
        yield Reported(accuracy, "accuracy", *place)
        yield Reported(rescaled, "rescaled_accuracy", *place)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="regularize",
            kind=Kind.ATTACK,
            target="ownmark_repair.regularize.attack:Regularize",
            config="ownmark_repair.regularize.config:RegularizeConfig",
            summary="a weight decay that shrinks large weights, then fine-tuning",
            paper=REGULARIZATION,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"decay": {"epochs": 1}, "recipe": {"epochs": 2}},
            idle={"decay": {"epochs": 0}, "recipe": {"epochs": 0}},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "the rate is .05 in both phases; the SoK code takes the victim's own, the paper gives none",
                "the epoch with the lowest loss on held-back images is kept, not the last one",
            ),
            reported=tuple(_reported()),
        )
    ]
