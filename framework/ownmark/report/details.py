"""The rear part of a report: every further measurement, exhibits, and what produced the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ownmark.foreign import holds
from ownmark.report.aggregate import Grid, Group, mean
from ownmark.report.blocks import Block, Gallery, Heading, Picture, Text, table
from ownmark.report.fields import Record, canonical, flatten, is_number, number, pair, section
from ownmark.report.numbers import estimate, interval_text


def measurements(grid: Grid) -> Iterator[Block]:
    """Metrics, measured rates and extras of the evidence, a row each; nothing if there are none."""
    rows = []
    for row in grid.rows:
        for column in grid.columns:
            group = grid.group(row, column)
            for name, value, spread in _measured(group) if group else ():
                rows.append((row.name, column.name, name, value, spread))
    if rows:
        yield Heading("Further measurements", 3)
        yield table(("scheme", "attack", "measure", "value", "95 % interval of one seed, n"), rows)


def exhibits(folder: Path, grid: Grid) -> Iterator[Block]:
    """Pictures, numbers and texts that records carry, of the first finished seed of each cell, scheme by scheme."""
    shown = [block for row in grid.rows for block in _shown(folder, grid, row)]
    if shown:
        yield Heading("Exhibits", 3)
        yield Text("Of the first finished seed of each cell; the others lie in the run folder.")
        yield from shown


def provenance(records: Sequence[Record]) -> Iterator[Block]:
    """Versions, devices and method digests: every distinct value that the records name."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for name, value in flatten(section(record, "provenance")).items():
            values = value if isinstance(value, list) else [value]
            found.setdefault(name, {}).update(dict.fromkeys(str(one) for one in values))
    if found:
        yield Heading("Provenance")
        yield table(("what", "value"), [(name, ", ".join(values)) for name, values in sorted(found.items())])


def _measured(group: Group) -> Iterator[tuple[str, str, str]]:
    for part in ("metrics", "measured"):
        for name in group.names(part):
            yield name, estimate(group.mean(part, name, "value")), _single(group, part, name)
    for name in group.names("evidence", "extras"):
        values = [section(record, "evidence", "extras").get(name) for record in group.ok]
        texts = dict.fromkeys(str(value) for value in values if value is not None and not is_number(value))
        yield name, ", ".join(texts) or estimate(mean(values)), ""


def _single(group: Group, part: str, name: str) -> str:
    """The interval over samples of the only seed; several seeds have the interval over seeds instead."""
    count = number(group.ok[0], part, name, "n")
    interval = interval_text(pair(group.ok[0], part, name, "interval")) if len(group.ok) == 1 else ""
    return ", ".join(text for text in (interval, "" if count is None else f"n = {count:.0f}") if text)


def _shown(folder: Path, grid: Grid, row: Any) -> Iterator[Block]:
    """What a scheme's cells have to show: pictures side by side, the same one once, then a table for each cell."""
    pictures: dict[str, Picture] = {}
    tables = []
    for column in grid.columns:
        group = grid.group(row, column)
        record = next((r for r in (group.ok if group else ()) if section(r, "exhibits")), None)
        if record is None:
            continue
        given: Mapping[str, Any] = section(record, "exhibits")
        seen = {name: str(value) for name, value in given.items() if is_picture(folder, value)}
        for name, path in seen.items():
            pictures.setdefault(path, Picture(path, f"{column.name}: {name}"))
        if rest := [(name, _said(value)) for name, value in given.items() if name not in seen]:
            where = f"{row.name} × {column.name}, seed {record['cell'].get('seed')}"
            tables.append(table((where, "value"), rest))
    if pictures or tables:
        yield Heading(row.name, 4)
    if pictures:
        yield Gallery(tuple(pictures.values()))
    yield from tables


def is_picture(folder: Path, value: Any) -> bool:
    """Whether `value` is the path of a PNG inside the run folder."""
    if not isinstance(value, str) or not value.lower().endswith(".png"):
        return False
    return not PurePosixPath(value).is_absolute() and holds(folder, value)


def _said(value: Any) -> str:
    if isinstance(value, str) and value.lower().endswith(".png"):
        return f"{value} (no such picture in the run folder)"
    return (
        value if isinstance(value, str) else estimate(mean([value])) if is_number(value) else canonical(value)
    )
