"""What a plan's lists hold: methods, and tasks made of two."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from ownmark.config import configuration

POINTS, SEEDS, ENTRIES, CELLS = 10_000, 1_000, 1_000, 100_000
"""At most: points of a sweep, seeds, entries of a list, cells of a plan. More is refused before it is laid out."""


_ENTRY_KEYS = {"as", "sweep", "given", "for"}


def listed(value: Any) -> Any:
    """A list of one, where a plan says only one."""
    return [value] if isinstance(value, str | int | dict) else value


@configuration
class Entry:
    """One method of a plan's list: `uchida`, `{uchida: {bits: 64}}`, with `as: label` or `sweep: {alpha: [0, 1]}`."""

    id: str
    """Id of the method, or `pack/id`."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""
    label: str = ""
    """Name in the report (`as:`)."""
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    """One entry for every combination of these parameter values."""
    given: dict[str, Any] = Field(default_factory=dict)
    """Attacks: what this attacker is given, where it differs from the plan's `attacker`."""
    schemes: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """What it is tried on (`for:`), by id or name: an attack's schemes; a scheme's tasks, by dataset, host or both
    (`digits/convnet`). Without any, all."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"id": value}
        fields = value.kwargs if hasattr(value, "kwargs") else value
        if not isinstance(fields, dict) or "id" in fields:
            return value
        names = [name for name in fields if name not in _ENTRY_KEYS]
        if len(names) != 1:
            raise ValueError(
                f"expected one method and at most {sorted(_ENTRY_KEYS)} beside it, found {sorted(map(str, names))}"
            )
        params = fields[names[0]]
        entry: dict[str, Any] = {"id": names[0], "params": {} if params is None else params}
        entry |= {name: fields[name] for name in ("sweep", "given") if name in fields}
        entry |= {"schemes": fields["for"]} if "for" in fields else {}
        return entry | ({"label": fields["as"]} if "as" in fields else {})

    @model_validator(mode="after")
    def _is_finite(self) -> Entry:
        if self.points > POINTS:
            raise ValueError(f"a sweep of {self.points:,} points; at most {POINTS:,}")
        return self

    @property
    def points(self) -> int:
        """Methods that the entry stands for."""
        return math.prod(map(len, self.sweep.values()))

    def meant_for(self, names: Collection[str]) -> bool:
        """Whether it is tried on the scheme or task that has these names."""
        return not self.schemes or not set(self.schemes).isdisjoint(names)


@configuration
class TaskEntry:
    """A dataset and the host that is trained on it."""

    dataset: Entry
    """Where the images come from."""
    host: Entry
    """The network and its recipe."""
