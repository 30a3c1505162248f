"""The matrix for a terminal: as many attacks side by side as its width holds, the rest below."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ownmark.foreign import paragraph
from ownmark.report import blocks
from ownmark.report.aggregate import Grid, grids
from ownmark.report.cells import Line, cell_lines, failures, row_lines, unreadable
from ownmark.report.facts import LEGEND, above, attackers, contradicted, criteria, stated_rates, thresholds
from ownmark.report.fields import Record
from ownmark.report.large import is_large, outcome_table
from ownmark.report.numbers import to_ascii
from ownmark.report.read import planned_cells
from ownmark.report.reported import reported_lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table
    from rich.text import Text

STYLES = {"plain": "", "good": "cyan", "bad": "bold reverse", "warn": "magenta", "muted": "dim"}
_FRAME = 3  # a column's two blanks and its rule
SPARED = ("stated", "null mean", "nulls / pairs", "key, bits", "S of no match", "highest at any epoch")
"""Columns on how claims are decided that a narrow terminal does without, in this order."""


@dataclass(frozen=True)
class Column:
    """A column of the terminal's table: one entry a row."""

    title: str
    entries: tuple[blocks.Entry, ...]

    @property
    def heading(self) -> str:
        """The title, broken where it is wider than an entry usually is."""
        return textwrap.fill(self.title, 16)

    @property
    def width(self) -> int:
        """Character cells that its widest line takes."""
        from rich.cells import cell_len

        lines = [*self.heading.splitlines(), *(line.text for entry in self.entries for line in entry)]
        return max(map(cell_len, lines), default=0)


@dataclass(frozen=True)
class Matrix:
    """A rich renderable: per task its table, failures, thresholds, and what attackers were given."""

    grids: tuple[Grid, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if not self.grids:
            yield "No records yet."
        for grid in self.grids:
            yield from _task(grid, options.max_width, plain=options.ascii_only)
        if self.grids:
            yield _text([Line(""), Line(LEGEND, "muted")], options.ascii_only)


def matrix(records: Sequence[Record], plan: Mapping[str, Any] | None = None) -> Matrix:
    """One table a task, for `rich.print`; a plan tells which cells have not run yet."""
    return Matrix(tuple(grids(records, planned_cells(plan))))


def _task(grid: Grid, width: int, plain: bool) -> Iterator[RenderableType]:
    everything = grid.everything()
    seeds = everything.seeds()
    count = "1 seed" if seeds == 1 else f"{seeds} seeds"
    title = f"{grid.task.name} · {count} · stated false-positive rate {stated_rates(everything)}"
    yield _text([Line(""), Line(title)], plain, style="bold")
    if is_large(grid):
        yield _plain_table(outcome_table(grid), plain)
        return
    head = Column("scheme", tuple(row_lines(row, grid) for row in grid.rows))
    for chunk in _chunks(_columns(grid), width - head.width - _FRAME - 1):
        yield _table([head, *chunk], plain)
    if notes := [
        *above(grid),
        *contradicted(grid),
        *(f"✗ {sentence}" for sentence in failures(grid)),
        *unreadable(grid),
    ]:
        yield _text([Line(note) for note in notes], plain)
    yield _text([Line(""), Line("How claims are decided")], plain, style="bold")
    rules, left_out = _fitting(thresholds(grid), width, SPARED)
    yield _plain_table(rules, plain)
    if left_out:
        yield _text(
            [Line(f"too wide for this window, see report.html: {'; '.join(left_out)}", "muted")], plain
        )
    yield _text([Line(criterion) for criterion in criteria(grid)], plain)
    if any(not column.unattacked for column in grid.columns):
        yield _text([Line(""), Line("What attackers were given, and what it cost them")], plain, style="bold")
        yield _plain_table(attackers(grid), plain)


def _columns(grid: Grid) -> Iterator[list[Column]]:
    """For every attack ours, and the papers' values beside it where there are any."""
    for column in grid.columns:
        groups = [grid.group(row, column) for row in grid.rows]
        ours = Column(column.name, tuple(cell_lines(group) for group in groups))
        papers = Column("reported", tuple(reported_lines(group) for group in groups))
        yield [ours, papers] if any(papers.entries) else [ours]


def _chunks(units: Iterator[list[Column]], width: int) -> Iterator[list[Column]]:
    """Units side by side as long as they fit; at least one."""
    chunk: list[Column] = []
    for unit in units:
        if chunk and sum(column.width + _FRAME for column in [*chunk, *unit]) > width:
            yield chunk
            chunk = []
        chunk = [*chunk, *unit]
    if chunk:
        yield chunk


def _table(columns: Sequence[Column], plain: bool) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(box=box.ASCII if plain else box.ROUNDED, show_lines=True)
    for column in columns:
        made.add_column(_text([Line(column.heading)], plain), overflow="fold")
    for entries in zip(*(column.entries for column in columns), strict=True):
        made.add_row(*(_text(entry, plain) for entry in entries))
    return made


def _plain_table(table: blocks.Table, plain: bool) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(box=box.ASCII2 if plain else box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in table.header:
        made.add_column(_text([Line(title)], plain), overflow="fold")
    for row in table.rows:
        made.add_row(*(_text(entry, plain) for entry in row))
    return made


def _fitting(table: blocks.Table, width: int, spared: Sequence[str]) -> tuple[blocks.Table, list[str]]:
    """The table without as many of the `spared` columns as it takes to fit, and which these are."""
    left_out: list[str] = []
    for title in spared:
        if _natural(table) <= width:
            break
        if title in table.header:
            place = table.header.index(title)
            rows = tuple((*row[:place], *row[place + 1 :]) for row in table.rows)
            table = blocks.Table((*table.header[:place], *table.header[place + 1 :]), rows)
            left_out.append(title)
    return table, left_out


def _natural(table: blocks.Table) -> int:
    """Character cells that the table takes if no entry is broken."""
    columns = zip(*table.rows, strict=True)
    made = [Column(title, entries) for title, entries in zip(table.header, columns, strict=True)]
    return sum(column.width + 2 for column in made)


def _text(lines: Sequence[Line], plain: bool, style: str = "") -> Text:
    from rich.text import Text

    texts = [(paragraph(line.text), style or STYLES[line.tone]) for line in lines]
    parts = [(to_ascii(text) if plain else text, look) for text, look in texts]
    return Text("\n").join(Text(text, style=look) for text, look in parts)
