"""Records -> one grid a task: rows are schemes, columns attacks, and a group holds the seeds of one cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ownmark.report.fields import Record, canonical, dig, is_impossible, is_number, is_ok, number, section
from ownmark.report.naming import Axis, attack_axis, name_all, row_axis, shared_axis, task_axis
from ownmark.stats import mean_interval

Place = tuple[str, str, str]
"""Keys of a row and a column, and a seed."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with half the width of its 95 % t interval."""

    value: float
    half: float | None
    """None for one seed, which has no spread."""
    seeds: int


def mean(values: Iterable[Any]) -> Mean | None:
    """The mean of the finite numbers among `values`; None if there are none."""
    numbers = [float(value) for value in values if is_number(value)]
    if not numbers:
        return None
    interval = mean_interval(numbers)
    return Mean(fmean(numbers), None if interval is None else interval.width / 2, len(numbers))


@dataclass(frozen=True)
class Group:
    """The records of one scheme (and extractor) under one attack on one task."""

    ok: tuple[Record, ...]
    failed: tuple[Record, ...]
    missing: tuple[Any, ...] = ()
    """Seeds that have not run yet."""
    impossible: tuple[Record, ...] = ()
    """Cells that cannot be: neither finished nor failed."""

    @property
    def records(self) -> tuple[Record, ...]:
        """Finished and failed ones."""
        return self.ok + self.failed

    def mean(self, *path: str) -> Mean | None:
        """Mean over the seeds that finished of the number at `path`; a failed cell never takes part."""
        return mean(number(record, *path) for record in self.ok)

    def first(self, *path: str) -> Any:
        """The first value that is not None at `path` among the finished records."""
        return next((value for record in self.ok if (value := dig(record, *path)) is not None), None)

    def names(self, *path: str) -> list[str]:
        """Every name in the sections at `path` of the finished records, in order of appearance."""
        return list(dict.fromkeys(name for record in self.ok for name in section(record, *path)))

    def claims(self) -> tuple[int, int] | None:
        """How many of how many verdicts claim ownership; None without any."""
        verdicts = [dig(record, "verdict", "claim") for record in self.ok]
        given = [bool(claim) for claim in verdicts if claim is not None]
        return (sum(given), len(given)) if given else None

    def seeds(self) -> int:
        """How many different seeds finished or failed."""
        return len({canonical(record["cell"].get("seed")) for record in self.records})

    def outcomes(self) -> Counter[str]:
        """How often each removal outcome came about, `unattacked` left out."""
        seen = (dig(record, "removal", "outcome") for record in self.ok)
        return Counter(str(outcome) for outcome in seen if outcome not in (None, "unattacked"))


@dataclass(frozen=True)
class Grid:
    """All groups of one task."""

    task: Axis
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...]
    groups: Mapping[tuple[str, str], Group]

    def group(self, row: Axis, column: Axis) -> Group | None:
        """The group there, or None where the plan has no cell."""
        return self.groups.get((row.key, column.key))

    def row(self, row: Axis) -> Group:
        """All records of a row together."""
        return self._together(self.group(row, column) for column in self.columns)

    def column(self, column: Axis) -> Group:
        """All records of a column together."""
        return self._together(self.group(row, column) for row in self.rows)

    def everything(self) -> Group:
        """All records of the task together."""
        return self._together(self.groups.values())

    def _together(self, groups: Iterable[Group | None]) -> Group:
        there = [group for group in groups if group is not None]
        return Group(
            tuple(record for group in there for record in group.ok),
            tuple(record for group in there for record in group.failed),
            tuple(seed for group in there for seed in group.missing),
            tuple(record for group in there for record in group.impossible),
        )


def grids(records: Sequence[Record], expected: Sequence[Mapping[str, Any]] | None = None) -> list[Grid]:
    """One grid a task, everything in order of first appearance, but the column without an attack first.

    Args:
        records: of any number of tasks.
        expected: the plan's cells; what has no record is missing. Without them every scheme is expected under every
            attack for every seed that its task shows.
    """
    cells = [*(expected or ()), *(record["cell"] for record in records)]
    tasks = name_all({(axis := task_axis(cell)).key: axis for cell in cells})
    return [
        _grid(
            task,
            [record for record in records if task_axis(record["cell"]).key == key],
            None if expected is None else [cell for cell in expected if task_axis(cell).key == key],
        )
        for key, task in tasks.items()
    ]


def _grid(task: Axis, records: Sequence[Record], expected: Sequence[Mapping[str, Any]] | None) -> Grid:
    cells = [*(expected or ()), *(record["cell"] for record in records)]
    rows = name_all({(axis := row_axis(cell)).key: axis for cell in cells})
    shared = _columns(cells, planned=expected is not None)
    columns = name_all({axis.key: axis for axis in shared.values()})
    found: dict[Place, list[Record]] = {place: [] for place in _wanted(cells, shared, expected is None)}
    for record in records:
        found[_place(record["cell"], shared)].append(record)
    groups: dict[tuple[str, str], list[tuple[str, list[Record]]]] = {}
    for (row, column, seed), of_seed in found.items():
        groups.setdefault((row, column), []).append((seed, of_seed))
    in_order = sorted(columns.values(), key=lambda column: not column.unattacked)
    return Grid(
        task, tuple(rows.values()), tuple(in_order), {at: _group(seeds) for at, seeds in groups.items()}
    )


def _group(seeds: list[tuple[str, list[Record]]]) -> Group:
    records = [record for _, of_seed in seeds for record in of_seed]
    return Group(
        tuple(record for record in records if is_ok(record)),
        tuple(record for record in records if not is_ok(record) and not is_impossible(record)),
        tuple(seed for seed, of_seed in seeds if not of_seed),
        tuple(record for record in records if is_impossible(record)),
    )


def _columns(cells: Sequence[Mapping[str, Any]], planned: bool) -> dict[str, Axis]:
    """The column of each attack by its key.

    Where a plan says that attacks of one method and one name are for different rows (`for:`), they share a column.
    """
    faced: dict[str, tuple[Axis, set[str]]] = {}
    for cell in cells:
        axis = attack_axis(cell)
        faced.setdefault(axis.key, (axis, set()))[1].add(row_axis(cell).key)
    families: dict[tuple[str, str], list[tuple[Axis, set[str]]]] = {}
    for axis, rows in faced.values():
        families.setdefault((axis.id, axis.name), []).append((axis, rows))
    found: dict[str, Axis] = {}
    for family in families.values():
        disjoint = sum(len(rows) for _, rows in family) == len(set().union(*(rows for _, rows in family)))
        column = shared_axis([axis for axis, _ in family])
        found |= {axis.key: column if planned and disjoint else axis for axis, _ in family}
    return found


def _place(cell: Mapping[str, Any], columns: Mapping[str, Axis]) -> Place:
    return row_axis(cell).key, columns[attack_axis(cell).key].key, canonical(cell.get("seed"))


def _wanted(cells: Sequence[Mapping[str, Any]], shared: Mapping[str, Axis], every: bool) -> list[Place]:
    """The places of the cells themselves, or of every row under every column for every seed."""
    places = list(dict.fromkeys(_place(cell, shared) for cell in cells))
    rows, columns, seeds = (dict.fromkeys(place[axis] for place in places) for axis in range(3))
    return [(r, c, seed) for r in rows for c in columns for seed in seeds] if every else places
