"""Live objects under names that a plan can write: `ownmark.api.held:m_0123abcd` is what was put there.

A name is a digest of the object's content, so that equal objects have equal names and stages are found again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_HELD: dict[str, Callable[..., Any]] = {}


def hold(kind: str, digest: str, give: Callable[..., Any]) -> str:
    """Keep what makes an object; the name that a plan can write."""
    name = f"{kind}_{digest[:16]}"
    _HELD[name] = give
    return f"{__name__}:{name}"


def is_held(target: str) -> bool:
    """Whether a name means an object of this process."""
    return target.startswith(f"{__name__}:")


def __getattr__(name: str) -> Callable[..., Any]:
    if name in _HELD:
        return _HELD[name]
    raise AttributeError(
        f"{name} was an object of another Python process; give it to `ownmark.load` again (`data`, `network`)"
    )
