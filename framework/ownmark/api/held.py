"""Live objects under names that a plan can write: `ownmark.api.held:m_0123abcd` is what was put there.

A name is a digest of the object's content, so that equal objects have equal names and stages are found again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ownmark.errors import OwnmarkError

KINDS = {"d": ("images", "data"), "m": ("the network is built by an object", "network")}
"""First letters of names: what they are, and as which argument they are given again."""
_HELD: dict[str, Callable[..., Any]] = {}


class Gone(OwnmarkError, AttributeError):
    """An object of a process that has ended."""


def hold(kind: str, digest: str, give: Callable[..., Any]) -> str:
    """Keep what makes an object; the name that a plan can write."""
    name = f"{kind}_{digest[:16]}"
    _HELD[name] = give
    return f"{__name__}:{name}"


def is_held(target: str) -> bool:
    """Whether a name means an object of this process."""
    return target.startswith(f"{__name__}:")


def held(target: str) -> Callable[..., Any] | None:
    """What makes the object of a name; None if it is none of this process, or no name of an object at all."""
    return _HELD.get(target.partition(":")[2]) if is_held(target) else None


def __getattr__(name: str) -> Callable[..., Any]:
    if name in _HELD:
        return _HELD[name]
    kind = name.partition("_")[0]
    if kind not in KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    what, argument = KINDS[kind]
    again = "them again, and `save` keeps them" if kind == "d" else "it again, in Python"
    raise Gone(f"{what} of a process that has ended; `ownmark.load(MARK, {argument}=...)` takes {again}")
