"""Sees every operation of a running network: functions through a mode of torch, modules through hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Protocol

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

UNASKED: dict[str, Callable[..., bool]] = {
    name: lambda *args: False
    for name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
}


class Watcher(Protocol):
    """Who is told."""

    def is_leaf(self, module: nn.Module) -> bool:
        """Whether a module is one operation."""

    def function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation, and return what it returns."""

    def enter(self, path: str, args: Any) -> None:
        """A module that is no leaf was called."""

    def leave(self, path: str, out: Any) -> None:
        """It returned."""

    def leaf(
        self, path: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
    ) -> None:
        """A leaf was called and returned."""


class _Mode(TorchFunctionMode):
    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self.watcher = watcher
        self.inside = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self.inside:
            return func(*args, **(kwargs or {}))
        return self.watcher.function(func, args, kwargs or {})


@contextmanager
def watching(model: nn.Module, watcher: Watcher) -> Iterator[Callable[..., Any]]:
    """While it lasts, the watcher is told of everything; yields a function that runs another one's body watched.

    torch's fast path for transformers would hide what they do; it is off meanwhile.
    """
    mode = _Mode(watcher)
    hooks = [hook for path, module in model.named_modules() for hook in _hooked(mode, path, module)]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with mode:
            yield lambda func, args, kwargs: _body(mode, func, args, kwargs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for hook in hooks:
            hook.remove()


def _hooked(mode: _Mode, path: str, module: nn.Module) -> list[Any]:
    if isinstance(module, torch.jit.ScriptModule):
        return []  # what it makes is made unseen
    leaf = mode.watcher.is_leaf(module)

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if leaf or mode.inside:
            mode.inside += 1
        else:
            mode.watcher.enter(path, (args, kwargs))

    def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        if leaf and mode.inside == 1:
            mode.watcher.leaf(path, module, args, kwargs, out)
        if mode.inside:
            mode.inside -= 1
        else:
            mode.watcher.leave(path, out)

    return [
        module.register_forward_pre_hook(before, prepend=True, with_kwargs=True),
        module.register_forward_hook(after, with_kwargs=True, always_call=True),
    ]


def _body(mode: _Mode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of torch that is written in Python, run so that the operations inside are seen, not the whole."""
    body = FunctionType(
        func.__code__, {**func.__globals__, **UNASKED}, func.__name__, func.__defaults__, func.__closure__
    )
    body.__kwdefaults__ = func.__kwdefaults__
    with mode:
        return body(*args, **kwargs)
