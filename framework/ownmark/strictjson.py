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
    """A JSON-ready value as text with sorted keys, `indent` spaces a level; on one line for None."""
    if indent is None:
        return json.dumps(finite(value), sort_keys=True, allow_nan=False)
    return _laid_out(value, "\n", " " * indent)


def _laid_out(value: Any, line: str, step: str) -> str:
    """As `json.dumps` lays it out, whose own indenting runs in Python and takes three times as long."""
    inner = line + step
    if isinstance(value, str):
        return json.encoder.encode_basestring_ascii(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else "null"
    if isinstance(value, Mapping):
        named = {str(name): one for name, one in value.items()}
        parts = [
            f"{inner}{json.encoder.encode_basestring_ascii(name)}: {_laid_out(named[name], inner, step)}"
            for name in sorted(named)
        ]
        return f"{{{','.join(parts)}{line}}}" if parts else "{}"
    if isinstance(value, (list, tuple)):
        parts = [inner + _laid_out(one, inner, step) for one in value]
        return f"[{','.join(parts)}{line}]" if parts else "[]"
    return json.dumps(value)


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
