"""The methods and tasks of a plan, each with where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ownmark.discovery import Catalog
from ownmark.errors import OwnmarkError
from ownmark.methods import Kind, Need
from ownmark.runner.cell import TaskSpec, specs, tasks
from ownmark.runner.fitting import Place
from ownmark.runner.plan import ENTRIES, Entry, Plan, TaskEntry
from ownmark.runner.resolve import needs_of, waits

Found = tuple[Place, str]


KEYWORDS = {Kind.ATTACK: "none", Kind.EXTRACTOR: "default"}


def entries(plan: Plan) -> Iterator[tuple[Kind, Place, Entry]]:
    """Every method that the plan names, with where it stands."""
    for i, task in enumerate(plan.tasks):
        yield Kind.DATASET, ("tasks", i, "dataset"), task.dataset
        yield Kind.HOST, ("tasks", i, "host"), task.host
    sections: list[tuple[str, Kind, Iterable[Entry]]] = [
        ("datasets", Kind.DATASET, plan.datasets), ("hosts", Kind.HOST, plan.hosts),
        ("schemes", Kind.SCHEME, plan.schemes), ("attacks", Kind.ATTACK, plan.attacks),
        ("extractors", Kind.EXTRACTOR, plan.extractors), ("metrics", Kind.METRIC, plan.metrics),
    ]  # fmt: skip
    for name, kind, entries in sections:
        yield from ((kind, (name, i), entry) for i, entry in enumerate(entries))
    for i, entry in enumerate(plan.verdict.nulls.hosts):
        yield Kind.HOST, ("verdict", "nulls", "hosts", i), entry
    if plan.transfer is not None:
        yield Kind.DATASET, ("transfer",), plan.transfer


def placed_tasks(plan: Plan) -> Iterator[tuple[tuple[Place, ...], TaskSpec]]:
    """Tasks, each with the places it is made from."""
    for i, entry in enumerate(plan.tasks):
        yield from (((("tasks", i),), task) for task in tasks([entry]))
    for i, dataset in enumerate(plan.datasets):
        for j, host in enumerate(plan.hosts):
            pair = TaskEntry(dataset=dataset, host=host)
            yield from (((("datasets", i), ("hosts", j)), task) for task in tasks([pair]))


def needs_of_entry(catalog: Catalog, entry: Entry) -> frozenset[Need]:
    """What any of the entry's attacks needs, attacks nested in it included; nothing if that cannot be told."""
    if entry.id == "none":
        return frozenset()
    try:
        found = (needs_of(catalog, Kind.ATTACK, spec.id, spec.parameters) for spec in specs(entry))
        return frozenset().union(*found)
    except OwnmarkError:
        return frozenset()


def naming_code(plan: Plan, catalog: Catalog) -> set[Place]:
    """Entries whose parameters name code, or data to be fetched, or cannot be read; methods nested in them included."""
    found: set[Place] = set()
    for kind, place, entry in entries(plan):
        if entry.id == KEYWORDS.get(kind):
            continue
        try:
            if any(waits(catalog, kind, spec.id, spec.parameters) for spec in specs(entry)):
                found.add(place)
        except OwnmarkError:
            found.add(place)
    return found


_SECTIONS = {
    "datasets": Kind.DATASET, "hosts": Kind.HOST, "schemes": Kind.SCHEME, "attacks": Kind.ATTACK,
    "extractors": Kind.EXTRACTOR, "metrics": Kind.METRIC, "transfer": Kind.DATASET,
}  # fmt: skip


def readable(data: Any) -> Iterator[tuple[Kind, Place, Entry]]:
    """Of a plan that cannot be read as a whole, the entries that can."""
    given = data if isinstance(data, dict) else {}
    listed: list[tuple[Kind, Place, Any]] = []
    for position, task in enumerate(_as_list(given.get("tasks"))):
        for part, kind in (("dataset", Kind.DATASET), ("host", Kind.HOST)):
            if isinstance(task, dict) and part in task:
                listed.append((kind, ("tasks", position, part), task[part]))
    for name, kind in _SECTIONS.items():
        listed += [(kind, (name, position), one) for position, one in enumerate(_as_list(given.get(name)))]
    for kind, place, value in listed:
        with suppress(ValidationError):
            yield kind, place, TypeAdapter(Entry).validate_python(value)


def _as_list(value: Any) -> list[Any]:
    return value[:ENTRIES] if isinstance(value, list) else [] if value is None else [value]
