"""Reading optional fields of a record: what is missing, null or not finite is None, and never an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]
_LARGEST = sys.float_info.max


def dig(record: Any, *path: str) -> Any:
    """The value at `path`, or None where any step of it is missing."""
    for name in path:
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def section(record: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at `path`; an empty one if there is none."""
    value = dig(record, *path)
    return value if isinstance(value, Mapping) else {}


def is_number(value: Any) -> bool:
    """Whether `value` is a finite int or float; a bool is not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= _LARGEST  # not `isfinite`, which breaks off at integers of 400 digits


def number(record: Any, *path: str) -> float | None:
    """The finite number at `path`."""
    value = dig(record, *path)
    return value if is_number(value) else None


def pair(record: Any, *path: str) -> tuple[float, float] | None:
    """The interval at `path`, written `[low, high]` or `{"low": ..., "high": ...}`."""
    value = dig(record, *path)
    if isinstance(value, Mapping):
        value = [value.get("low"), value.get("high")]
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(map(is_number, value)):
        return value[0], value[1]
    return None


def canonical(value: Any) -> str:
    """One text for equal JSON values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by dotted path; lists are leaves."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        flat.update(flatten(inner, f"{prefix}.{name}" if prefix else str(name)))
    return flat


def is_ok(record: Record) -> bool:
    """Whether the cell finished: a status of "ok", or none and no error."""
    status = record.get("status")
    return status == "ok" or (status is None and not record.get("error"))


def is_impossible(record: Record) -> bool:
    """Whether the cell cannot be: its scheme or attack does not fit its host, and nothing was run."""
    return record.get("status") == "n/a"
