"""Settings of the process that an import must leave alone, and putting them back."""

from __future__ import annotations

import locale
import os
import random
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]
"""How it is read, and how it is put back."""


def _chdir(path: str) -> None:
    if path:
        os.chdir(path)


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # removed meanwhile
        return ""


_PLAIN: dict[str, Setting] = {
    "the working directory": (_cwd, _chdir),
    "Python's random generator": (random.getstate, random.setstate),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "the filters of warnings": (lambda: list(warnings.filters), lambda old: _filters(old)),
    "the locale": (lambda: locale.setlocale(locale.LC_ALL), lambda old: locale.setlocale(locale.LC_ALL, old)),
}


def _filters(old: list[Any]) -> None:
    warnings.filters[:] = old  # type: ignore[index]


def _torch_settings() -> dict[str, Setting]:
    """Of torch, if somebody has imported it."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_default_dtype"):
        return {}
    found: dict[str, Setting] = {
        "torch's default type": (torch.get_default_dtype, torch.set_default_dtype),
        "torch's default device": (torch.get_default_device, torch.set_default_device),
        "torch's threads": (torch.get_num_threads, torch.set_num_threads),
        "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch's deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms,
        ),
        "torch's matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    }  # fmt: skip
    for owner, name in (
        ("cudnn", "enabled"), ("cudnn", "benchmark"), ("cudnn", "deterministic"), ("cudnn", "allow_tf32"),
        ("mkldnn", "enabled"),
    ):  # fmt: skip
        backend = getattr(torch.backends, owner)
        if hasattr(backend, name):
            found[f"torch.backends.{owner}.{name}"] = _attribute(backend, name)
    return found


def _attribute(owner: Any, name: str) -> Setting:
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value))


def settings() -> dict[str, Any]:
    """Values of all settings by name; torch's only if it is imported."""
    return {name: read() for name, (read, _) in (_PLAIN | _torch_settings()).items()}


def put_back(before: Mapping[str, Any]) -> list[str]:
    """Restore what differs from an earlier `settings()`; returns the names of what did."""
    changed = []
    for name, (read, write) in (_PLAIN | _torch_settings()).items():
        if name in before and read() != before[name]:
            changed.append(name)
            write(before[name])
    return changed
