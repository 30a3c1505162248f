"""Fine-pruning: silence what clean images hardly excite, and fine-tune."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_repair.papers import FINE_PRUNING, app_figures

_MIRA = {
    "content": (0.864, 0.447),
    "noise": (0.874, 0.670),
    "unrelated": (0.859, 0.526),
    "piracy": (0.695, 0.378),
    "ewe": (0.889, 0.702),
    "adi": (0.854, 0.598),
    "frontier_stitching": (0.873, 0.804),
    "exponential_weighting": (0.876, 0.833),
    "blind": (0.770, 0.538),
    "guo": (0.873, 0.611),
}
"""Scheme -> accuracy and rescaled watermark accuracy on CIFAR-10 with 1,000 images."""


def _mira() -> Iterable[Reported]:
    for scheme, (accuracy, rescaled) in _MIRA.items():
        place = ("MIRA paper, Table 4 (Fine-pruning)", "cifar10", "resnet", scheme, "fine_prune (mira)")
        yield Reported(accuracy, "accuracy", *place)
        yield Reported(rescaled, "rescaled_accuracy", *place)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="fine_prune",
            kind=Kind.ATTACK,
            target="ownmark_repair.fine_prune.attack:FinePrune",
            config="ownmark_repair.fine_prune.config:FinePruneConfig",
            summary="silence the units that clean images excite least, and fine-tune",
            paper=FINE_PRUNING,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"recipe": {"epochs": 1}},
            idle={"share": 0.0, "recipe": {"epochs": 0}},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "the pruned layer is the last feature map before the dense layers, after its activation",
                "silenced units stay silent while fine-tuning: a mask on the layer's output, no weight is zeroed",
            ),
            reported=(*app_figures("fine_prune"), *_mira()),
        )
    ]
