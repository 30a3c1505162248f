"""A deep copy of a network, also of one whose hooks left computed weights behind."""

from __future__ import annotations

import copy

from torch import Tensor, nn


def clone(model: nn.Module) -> nn.Module:
    """copy.deepcopy, with weights computed by hooks (pruning, weight norm) detached; the model is not touched."""
    memo: dict[int, Tensor] = {}
    for module in model.modules():
        for value in module.__dict__.values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)
