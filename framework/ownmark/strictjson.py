"""JSON that every reader takes: numbers that JSON does not have become null, what cannot be printed is escaped."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def written(value: Any, indent: int | None = 1) -> str:
    """A JSON-ready value as text with sorted keys."""
    return json.dumps(finite(value), indent=indent, sort_keys=True, allow_nan=False)


def finite(value: Any) -> Any:
    """The value with null in the place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def printable(text: str) -> str:
    """JSON whose strings hold control, invisible or half characters as `\\u` and four digits: the same value."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    units = (code,) if code < 0x10000 else (0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code & 0x3FF))
    return "".join(f"\\u{unit:04x}" for unit in units)
