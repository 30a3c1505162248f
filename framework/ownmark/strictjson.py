"""JSON that every reader takes: numbers that JSON does not have become null, what cannot be printed is escaped.

And JSON that anybody may have written: read from files only, and within limits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LARGEST, DEEPEST = 2**28, 100
"""Bytes of a file that is read, and levels of nesting in it, at most."""


def read(path: Path, most: int = LARGEST) -> Any:
    """What a JSON file says.

    Raises:
        OSError: it cannot be opened. ValueError: it is a pipe, a device, too large, nested too deeply, or no JSON.
    """
    if not path.is_file():  # a pipe that nobody writes to would be waited for
        raise FileNotFoundError("no such file")
    if path.stat().st_size > most:
        raise ValueError(f"more than {most:,} bytes")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _require_shallow(found)
    return found


def _require_shallow(value: Any) -> None:
    """Whoever uses the value may follow its nesting."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")


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
