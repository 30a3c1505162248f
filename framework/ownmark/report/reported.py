"""The values papers report beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ownmark.report.aggregate import Grid, Group, Mean, mean
from ownmark.report.blocks import Table, table
from ownmark.report.cells import Line, evidence_name, evidence_value, utility_name
from ownmark.report.fields import Record, canonical, dig, number
from ownmark.report.numbers import decimals, estimate


@dataclass(frozen=True)
class Reported:
    """One value of a paper and ours, in the same measure."""

    name: str
    """The measure, as the matrix calls it."""
    value: float
    ours: Mean | None
    on: str
    """Dataset and host of the paper; "–" if the figure is about none in particular."""
    ours_on: str
    where: str
    same_task: bool


def reported(group: Group | None) -> list[Reported]:
    """What the records of a group say their papers report, each once."""
    entries: dict[str, tuple[Record, Any]] = {}
    for record in group.records if group else ():
        given = record.get("reported")
        for entry in given if isinstance(given, list) else ():
            if number(entry, "value") is not None:
                entries.setdefault(canonical(entry), (record, entry))
    return [_compare(group, record, entry) for record, entry in entries.values() if group]


def reported_lines(group: Group | None) -> tuple[Line, ...]:
    """The papers' values as an entry of the matrix; where the task is another one, that task below."""
    lines: list[Line] = []
    for entry in reported(group):
        lines.append(Line(f"{entry.name} {decimals(entry.value)}"))
        lines.append(Line(entry.where if entry.same_task or entry.on == "–" else f"on {entry.on}", "muted"))
    return tuple(lines)


def reported_table(grid: Grid) -> Table | None:
    """Reported beside ours, a row each; None if no record carries a reported value."""
    header = (
        "scheme",
        "attack",
        "measure",
        "reported",
        "ours",
        "reported on",
        "ours on",
        "same task",
        "where",
    )
    rows = [
        (
            *(row.name, column.name, entry.name, decimals(entry.value), estimate(entry.ours)),
            *(entry.on, entry.ours_on, "yes" if entry.same_task else "no", entry.where),
        )
        for row in grid.rows
        for column in grid.columns
        for entry in reported(grid.group(row, column))
    ]
    return table(header, rows) if rows else None


def _compare(group: Group, record: Record, entry: Any) -> Reported:
    name, flip, ours = _measure(group, str(dig(entry, "metric") or "evidence"))
    value = float(entry["value"])
    there = [str(dig(entry, part) or "?") for part in ("dataset", "host")]
    here = [str(dig(record, "cell", part, "id") or "?") for part in ("dataset", "host")]
    same = "?" not in there and [name.lower() for name in there] == [name.lower() for name in here]
    on = "–" if there == ["?", "?"] else "/".join(there), "/".join(here)
    return Reported(name, 1 - value if flip else value, ours, *on, str(dig(entry, "where") or "–"), same)


def _measure(group: Group, metric: str) -> tuple[str, bool, Mean | None]:
    """The measure's name, whether it is 1 - the reported match rate, and our value."""
    if metric == "evidence":
        return evidence_name(group), evidence_name(group) == "BER", evidence_value(group)
    if metric in ("utility", group.first("utility", "metric")):
        return utility_name(group), False, group.mean("utility", "suspect")
    if metric == "theta":
        return "θ", False, group.mean("verdict", "theta")
    if metric == "removed":
        return (
            metric,
            False,
            mean(float(outcome in ("removed", "unreadable")) for outcome in group.outcomes().elements()),
        )
    for path in (("metrics", metric, "value"), ("measured", metric, "value"), ("exhibits", metric)):
        if (found := group.mean(*path)) is not None:
            return metric, False, found
    return metric, False, group.mean("evidence", "extras", metric)
