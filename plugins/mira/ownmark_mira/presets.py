"""Named settings: what a data set, the authors' code or an objective changes of the defaults; given values win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Any]

CIFAR100: Values = {"iterations": 800, "alpha_bn": 0.01, "threshold": 0.3}
"""ResNet-34: T of section 6.1, the rest from the authors' code."""
MNIST: Values = {
    "iterations": 400, "mean": [0.0], "std": [1.0], "pixel_noise": 1.0, "weight_noise": 0.03,
}  # fmt: skip
"""LeNet-5: the authors leave MNIST as it is (mean 0, deviation 1), so sigma_1 = 1 and the priors are in pixels."""
RELEASED: Values = {"form": "released", "alpha_l2": 0.03, "alpha_tv": 0.01, "recipe": {"epochs": 40}}
"""The authors' code: other reductions, the two weights exchanged, 40 epochs."""

PRESETS: Mapping[str, tuple[Values, ...]] = {
    "cifar10": (),
    "cifar100": (CIFAR100,),
    "mnist": (MNIST,),
    "released": (RELEASED,),
    "released-cifar100": (CIFAR100, RELEASED),
    "released-mnist": (MNIST, RELEASED),
}

INVERSION = frozenset({"iterations", "alpha_bn", "alpha_l2", "alpha_tv", "form"})
"""What presets say of MIRA's inversion."""

SOFT: Values = {
    "share": 0.5,
    "recipe": {"epochs": 40, "batch_size": 64, "lr": 0.03, "schedule": "cosine"},
}
"""Of `objective: soft`; share and `weight` were chosen on seeds 10 and 11 (card of `mira_data_free`)."""
OBJECTIVES: Mapping[str, tuple[Values, ...]] = {"soft": (SOFT,)}


def laid_under(given: Values, *layers: Values) -> dict[str, Any]:
    """`given` over the layers, of which the later ones win; a recipe is merged key by key."""
    merged: dict[str, Any] = {}
    for layer in (*layers, given):
        for name, value in layer.items():
            both = name == "recipe" and isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
            merged[name] = {**merged[name], **value} if both else value
    return merged


def filled(given: Values, preset: str, objective: str, inverts: bool = True) -> dict[str, Any]:
    """The values that a preset and an objective stand for, under the given ones; unknown names change nothing.

    Args:
        inverts: whether pictures are recovered by MIRA's inversion; else a preset says nothing of it.
    """
    left_out = frozenset() if inverts else INVERSION
    layers = (*PRESETS.get(preset, ()), *OBJECTIVES.get(objective, ()))
    kept = ({name: value for name, value in layer.items() if name not in left_out} for layer in layers)
    return laid_under(given, *kept)
