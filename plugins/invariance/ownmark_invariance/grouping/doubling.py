"""A network in double precision, whatever precision its code asks for: there an exact transform is exact.

In single precision a wrong transform may hide among the errors of rounding; in double it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ownmark_invariance.grouping.clone import clone

NARROW = (torch.float32, torch.float16, torch.bfloat16)
CASTS = {"float": "double", "half": "double", "bfloat16": "double"}


def doubled(model: nn.Module) -> nn.Module:
    """A copy of a network with all floating point weights in double precision."""
    return clone(model).double()


class _Double(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if (name := getattr(func, "__name__", "")) in CASTS:
            func = getattr(Tensor, CASTS[name])
        args, kwargs = _wide(args), _wide(kwargs or {})
        return _wide(func(*args, **kwargs))


@contextmanager
def in_double() -> Iterator[None]:
    """While it lasts, every floating point tensor that an operation reads or makes is of double precision."""
    with _Double():
        yield


def _wide(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.double() if value.dtype in NARROW else value
    if isinstance(value, torch.dtype):
        return torch.float64 if value in NARROW else value
    if type(value) in (tuple, list):
        return type(value)(_wide(part) for part in value)
    if type(value) is dict:
        return {key: _wide(part) for key, part in value.items()}
    return value
