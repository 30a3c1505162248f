"""Grids of more cells than a reader sees at once: counted, drawn as one small map, and laid out in pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ownmark.report.aggregate import Grid, Group
from ownmark.report.blocks import Table, table
from ownmark.report.cells import OUTCOMES
from ownmark.report.drawing import picture
from ownmark.report.figures import strength

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGE = 300
"""Cells of a task that one matrix shows, at most."""
_LABELLED = 40
"""Rows or columns that the map names."""


def is_large(grid: Grid) -> bool:
    """Whether the grid is shown in pages."""
    return len(grid.rows) * len(grid.columns) > LARGE


def pages(grid: Grid) -> Iterator[Grid]:
    """The grid in parts of at most `LARGE` cells: all rows side by side as far as they fit, the columns in order."""
    height = min(len(grid.rows), LARGE)
    width = max(1, LARGE // max(1, height))
    for top in range(0, len(grid.rows), height):
        for left in range(0, len(grid.columns), width):
            rows, columns = grid.rows[top : top + height], grid.columns[left : left + width]
            places = ((row.key, column.key) for row in rows for column in columns)
            yield Grid(grid.task, rows, columns, {at: grid.groups[at] for at in places if at in grid.groups})


def outcome_table(grid: Grid) -> Table:
    """A row for each scheme: how many of its attacked cells came to which end."""
    counts = {row.name: _ends(grid.row(row)) for row in grid.rows}
    names = [
        name for name in (*OUTCOMES, "failed", "not run") if any(count[name] for count in counts.values())
    ]
    rows = [(row, *(f"{count[name]:,d}" for name in names)) for row, count in counts.items()]
    return table(("scheme", *names), rows)


def _ends(group: Group) -> Counter[str]:
    return group.outcomes() + Counter({"failed": len(group.failed), "not run": len(group.missing)})


def overview(grid: Grid) -> bytes:
    """The strength of the evidence, schemes x attacks in the matrix's order, as one small PNG."""
    return picture(lambda figure: _draw(figure, grid), 11.0, min(8.0, 1.6 + 0.3 * len(grid.rows)))


def _draw(figure: Figure, grid: Grid) -> None:
    from ownmark.report.figures import claim_colours

    axes = figure.add_subplot()
    values = [[strength(grid.group(row, column)) for column in grid.columns] for row in grid.rows]
    image = axes.imshow(
        [[float("nan") if one is None else one for one in row] for row in values],
        cmap=claim_colours(), vmin=0, vmax=1, aspect="auto", interpolation="nearest",
    )  # fmt: skip
    if len(grid.rows) <= _LABELLED:
        axes.set_yticks(range(len(grid.rows)), [row.name for row in grid.rows])
    if len(grid.columns) <= _LABELLED:
        axes.set_xticks(range(len(grid.columns)), [one.name for one in grid.columns], rotation=90)
    axes.set_xlabel(f"{len(grid.columns):,d} attacks, in the order of the plan")
    axes.set_title(f"{grid.task.name}: where the evidence stands", loc="left")
    bar = figure.colorbar(image, ax=axes, pad=0.02, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["as an\nunmarked\nmodel", "threshold θ", "all symbols\nmatch"])
