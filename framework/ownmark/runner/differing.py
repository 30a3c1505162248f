"""What differs between two descriptions of a stage (`Node.about`), in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ownmark.config import to_plain

_ABSENT = object()


def differing_inputs(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One phrase for each input that differs: `scheme.params.bits (16, now 32)`, `host (made anew)`."""
    before, after = (json.loads(json.dumps(dict(one), default=to_plain)) for one in (then, now))
    before.pop("label", None)
    after.pop("label", None)
    return [f"{'.'.join(path)} {_change(path[-1], a, b)}" for path, a, b in _differing(before, after, ())]


def _differing(then: Any, now: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted({*then, *now}):
            yield from _differing(then.get(name, _ABSENT), now.get(name, _ABSENT), (*path, name))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (a, b) in enumerate(zip(then, now, strict=True)):
            yield from _differing(a, b, (*path, str(i)))
    elif then != now:
        yield path or ("everything",), then, now


def _change(name: str, then: Any, now: Any) -> str:
    if then is _ABSENT:
        return f"(new: {_short(now)})"
    if now is _ABSENT:
        return f"(gone: was {_short(then)})"
    if _is_hash(then) and _is_hash(now):
        return "(its code was edited)" if name in ("source", "loop") else "(another one)"
    return f"({_short(then)}, now {_short(now)})"


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
