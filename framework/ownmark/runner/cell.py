"""Cells: the points of a plan's grid, as frozen values."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from ownmark.config import to_plain
from ownmark.runner.plan import Entry, Given, Plan, TaskEntry
from ownmark.runner.plan import given as given_to

_LATER = {"protocol": "", "access": "weights", "queries": None, "copies": 1}
"""Fields of `Given` that came after version 0.1, with what they were taken for before."""


@dataclass(frozen=True)
class Spec:
    """A method with its parameters, as the plan gives them.

    Args:
        id: as written in the plan. params: canonical JSON. label: name in the report.
    """

    id: str
    params: str = "{}"
    label: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters as a mapping."""
        parsed: dict[str, Any] = json.loads(self.params)
        return parsed

    @property
    def names(self) -> tuple[str, str, str]:
        """What a plan may call it: id with and without its pack, label."""
        return self.id, self.id.rpartition("/")[2], self.label

    def describe(self) -> dict[str, Any]:
        """For records."""
        return {"id": self.id, "label": self.label, "params": self.parameters}


@dataclass(frozen=True)
class TaskSpec:
    """A dataset with the host trained on it."""

    dataset: Spec
    host: Spec

    @property
    def label(self) -> str:
        """`digits/convnet`."""
        return f"{self.dataset.label}/{self.host.label}"

    @property
    def names(self) -> tuple[str, ...]:
        """What a scheme's `for:` may call it: its label, or any name of its dataset or host."""
        return self.label, *self.dataset.names, *self.host.names


@dataclass(frozen=True)
class Cell:
    """One scheme on one task, attacked once, read once, with one seed.

    `attack` is None for the unattacked marked network; `extractor` is None for the scheme's own.
    """

    task: TaskSpec
    scheme: Spec
    attack: Spec | None
    extractor: Spec | None
    seed: int
    given: Given

    @cached_property
    def id(self) -> str:
        """Short name of the record: a hash of all that the plan says of the cell."""
        said = asdict(self)
        for name, default in _LATER.items():  # so that older records keep their names
            if said["given"].get(name) == default:
                del said["given"][name]
        text = json.dumps(said, sort_keys=True, default=to_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """For progress lines: `digits/convnet uchida prune seed 0`."""
        attack = self.attack.label if self.attack else "none"
        reader = f" read by {self.extractor.label}" if self.extractor else ""
        return f"{self.task.label} {self.scheme.label} {attack}{reader} seed {self.seed}"


def canonical(params: dict[str, Any]) -> str:
    """Parameters as canonical JSON: equal parameters, equal text."""
    return json.dumps(params, sort_keys=True, default=str)


def specs(entry: Entry) -> Iterator[Spec]:
    """The entry, or each point of its sweep."""
    base = entry.label or entry.id.rpartition("/")[2]
    names = list(entry.sweep)
    for values in itertools.product(*entry.sweep.values()):
        swept = dict(zip(names, values, strict=True))
        suffix = ", ".join(f"{name}={_short(value)}" for name, value in swept.items())
        yield Spec(entry.id, canonical(entry.params | swept), f"{base}({suffix})" if suffix else base)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def tasks(entries: Iterable[TaskEntry]) -> Iterator[TaskSpec]:
    """Every task, sweeps unrolled."""
    for entry in entries:
        yield from (TaskSpec(d, h) for d, h in itertools.product(specs(entry.dataset), specs(entry.host)))


def expand(plan: Plan) -> tuple[Cell, ...]:
    """All cells, in an order that finishes one scheme on one task before it starts the next."""
    cells = []
    for task in tasks(plan.all_tasks()):
        for scheme_entry, seed in itertools.product(plan.schemes, plan.seeds):
            for scheme in specs(scheme_entry) if scheme_entry.meant_for(task.names) else ():
                cells += [
                    Cell(task, scheme, attack, extractor, seed, given)
                    for attack, given in _attacks(plan, scheme)
                    for extractor in _extractors(plan)
                ]
    return tuple(dict.fromkeys(cells))


def _attacks(plan: Plan, scheme: Spec) -> Iterator[tuple[Spec | None, Given]]:
    for entry in plan.attacks:
        if not entry.meant_for(scheme.names):
            continue
        given = given_to(plan, entry)
        for spec in specs(entry):
            yield (None if entry.id == "none" else spec), given


def _extractors(plan: Plan) -> Iterator[Spec | None]:
    for entry in plan.extractors:
        for spec in specs(entry):
            yield None if entry.id == "default" else spec
