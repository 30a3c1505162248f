"""Learning rates and optimisers, from a recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from ownmark.contracts.fit import Recipe


def rate_factor(recipe: Recipe, step: int, steps: int) -> float:
    """What the learning rate of `recipe` is multiplied with at a step.

    Args:
        step: from 0. steps: of the whole training.
    """
    progress = step / max(1, steps)
    if recipe.schedule == "steps":
        passed = sum(progress >= milestone for milestone in recipe.milestones)
        return float(recipe.factor**passed)
    if recipe.schedule == "every":
        return float(recipe.factor ** math.floor(progress * recipe.epochs / recipe.period + 1e-9))
    if recipe.schedule == "cosine":
        return _cosine(progress)
    if recipe.schedule == "one-cycle":
        return _one_cycle(progress)
    if recipe.schedule == "restarts":
        return _cosine((progress * recipe.epochs / recipe.period + 1e-9) % 1)
    return 1.0


def _cosine(progress: float) -> float:
    """From 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def _one_cycle(progress: float, warm: float = 0.3, low: float = 0.04) -> float:
    """Cosine up from `low` to 1 over the first `warm` of the training, cosine down to 0 over the rest."""
    if progress < warm:
        return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * progress / warm))
    return _cosine((progress - warm) / (1 - warm))


def optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The recipe's optimiser over `parameters`, all on one device; in one kernel a step on CUDA."""
    chosen = list(parameters)
    on_cuda = bool(chosen) and chosen[0].is_cuda
    return _optimizer(
        recipe, chosen, **({"fused": True} if on_cuda and recipe.optimizer != "rmsprop" else {})
    )


def device_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The same, fit to be recorded in a CUDA graph: step counts are kept on the device."""
    chosen = list(parameters)
    return _optimizer(
        recipe, chosen, fused=True, **({} if recipe.optimizer == "sgd" else {"capturable": True})
    )


def _optimizer(recipe: Recipe, parameters: list[nn.Parameter], **options: bool) -> torch.optim.Optimizer:
    decay = recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, recipe.lr, recipe.momentum, nesterov=recipe.nesterov, weight_decay=decay, **options
        )
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(
            parameters, recipe.lr, momentum=recipe.momentum, weight_decay=decay, **options
        )
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, recipe.lr, betas=(recipe.momentum, 0.999), weight_decay=decay, **options)
