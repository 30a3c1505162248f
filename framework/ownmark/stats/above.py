"""Claims with a p-value above their stated rate: plans may make them, and whoever prints one says what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ownmark.stats.decoys import least_decoys


def rests_above(verdict: Mapping[str, Any]) -> str:
    """What such a claim rests on, `shape` or `decoys`; empty for every other verdict."""
    p_value, stated = _number(verdict.get("p_value")), _number(verdict.get("stated_rate"))
    if not verdict.get("claim") or not 0 < stated < min(p_value, 1):
        return ""
    return "decoys" if verdict.get("decided_by") == "decoys" else str(verdict.get("basis", ""))


def why_above(verdict: Mapping[str, Any]) -> str:
    """The same in words, for a claim that rests on a shape."""
    models, stated = verdict.get("null_models", "so few"), verdict["stated_rate"]
    return f"on the shape of a distribution: {models} null models cannot show {stated:g}, {least_decoys(stated)} can"


def _number(value: Any) -> float:
    """The number; 0 for anything else, which is above no rate and no rate itself."""
    return value if isinstance(value, int | float) else 0.0
