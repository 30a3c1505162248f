"""Pure functions of the mark: groups of weights, their means, the loss.

Symbols: T bits; w [n] the flattened largest weight; `groups` int64 [n] with values in 0..T - 1; b [T] of 0 and 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.errors import NotApplicable


def carrier(network: nn.Module) -> Tensor:
    """The parameter with the most entries, flattened (the first of equals); changes with the network.

    Raises:
        NotApplicable: the network has no parameters.
    """
    parameters = list(network.parameters())
    if not parameters:
        raise NotApplicable("the network has no parameters to carry a mark")
    return max(parameters, key=lambda parameter: parameter.numel()).reshape(-1)


def draw_groups(entries: int, bits: int, seed: int) -> Tensor:
    """Which bit each weight belongs to: int64 [entries], groups of equal size but for one weight."""
    return torch.randperm(entries, generator=torch.Generator().manual_seed(seed)) % bits


def group_means(weight: Tensor, groups: Tensor, bits: int) -> Tensor:
    """Mean of each group: [n] and [n] -> [bits]."""
    groups = groups.to(weight.device)
    sums = torch.zeros(bits, dtype=weight.dtype, device=weight.device).index_add(0, groups, weight)
    return sums / groups.bincount(minlength=bits)


def message_loss(means: Tensor, bits: Tensor, margin: float) -> Tensor:
    """How much is missing until every mean has its bit's sign and at least `margin`: scalar."""
    signs = bits.to(means) * 2 - 1
    return (margin - signs * means).clamp(min=0).sum()
