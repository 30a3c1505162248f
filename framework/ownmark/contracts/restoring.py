"""`restore` of a scheme or an attack, called with as much as it takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from ownmark.contracts.attack import Attack
    from ownmark.contracts.scheme import Scheme
    from ownmark.contracts.views import Shape


def restored(
    method: Attack | Scheme, network: nn.Module, state: Mapping[str, Tensor], shape: Shape, classes: int
) -> nn.Module:
    """`method.restore(network, state, shape, classes)`, or without the last two for packs that were written before
    `restore` was told them. Who wraps another method calls its `restore` through this."""
    if takes_the_task(method):
        return method.restore(network, state, shape, classes)
    return method.restore(network, state)


def takes_the_task(method: Attack | Scheme) -> bool:
    """Whether its `restore` has room for shape and classes."""
    try:
        inspect.signature(method.restore).bind(None, None, (1, 1, 1), 1)
    except TypeError:
        return False
    return True
