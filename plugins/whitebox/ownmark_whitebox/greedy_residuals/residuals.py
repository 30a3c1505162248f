"""Pure functions of Greedy Residuals: pooling, greedy selection, the hinge, how strong it must be.

Symbols: T bits, C columns, n weights in the layer, r [T] residuals, b [T] message.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts import Recipe
from ownmark.loops import rate_factor

REACH = 4.0
"""How many times the distance the hinge alone must be able to go, since the task pulls the other way: 0.5, 1 and 2 left
25, 18 and 2 of 256 bits wrong on photographs (ResNet-8, 240 steps)."""


def rows_of(weight: Tensor, bits: int, columns: int) -> Tensor:
    """One-dimensional average pooling of the flattened weight: [out, in, kh, kw] -> [T, C].

    Weights beyond the last multiple of C are left out. A layer of fewer than T C weights is stretched: neighbours
    in a row then repeat the same weight.
    """
    flat = weight.float().flatten()
    kept = flat[: len(flat) // columns * columns]
    return F.adaptive_avg_pool1d(kept[None], bits * columns).view(bits, columns)


def residuals(rows: Tensor, eta: float) -> Tensor:
    """Mean of each row with the 1 - eta smallest magnitudes counted as zero: [T, C] -> [T].

    The selection has no gradient; what is selected does.
    """
    columns = rows.shape[1]
    dropped = int(columns * (1 - eta) + 0.5)
    order = rows.detach().abs().argsort(dim=1, stable=True)
    return rows.gather(1, order[:, dropped:]).sum(1) / columns


def hinge(found: Tensor, bits: Tensor, threshold: float) -> Tensor:
    """sum_j max(0, threshold - s_j r_j), s_j = 2 b_j - 1: [T], [T] -> scalar."""
    signs = bits.to(found.device).float() * 2 - 1
    return F.relu(threshold - signs * found).sum()


def needed_strength(recipe: Recipe, steps: int, weights: float, distance: float) -> float:
    """Lambda with which the hinge alone could move every weight of a row `REACH` times the distance.

    It pushes each weight by lambda / weights a step, so over a training with SGD by that times
    sum(rates) / (1 - momentum). Adaptive optimisers do not care for the size of a gradient: 0.

    Args:
        weights: of the layer in each row, n / T. distance: mean magnitude that the kept weights must reach.
    """
    if recipe.optimizer != "sgd" or steps == 0:
        return 0.0
    rates = recipe.lr * sum(rate_factor(recipe, step, steps) for step in range(steps))
    return REACH * distance * weights * (1 - recipe.momentum) / rates
