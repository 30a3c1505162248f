"""Presets: settings that carry the name of the paper that used them.

A plan writes `fine_prune: {preset: mira}`; whatever else it names wins over the preset's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def laid_under(presets: Mapping[str, Mapping[str, Any]]) -> Callable[[Any], Any]:
    """A `before` validator that fills in the values of the preset that is named, where nothing else is said.

    Args:
        presets: name -> fields. A `recipe` in both is merged field by field.
    """

    def fill(value: Any) -> Any:
        fields = value.kwargs if hasattr(value, "kwargs") else value
        if not isinstance(fields, Mapping):
            return value
        chosen = presets.get(str(fields.get("preset", "")), {})
        merged = {**chosen, **fields}
        for name in set(chosen) & set(fields):
            if isinstance(chosen[name], Mapping) and isinstance(fields[name], Mapping):
                merged[name] = {**chosen[name], **fields[name]}
        return merged

    return fill
