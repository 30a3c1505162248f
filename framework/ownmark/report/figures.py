"""The heat map of a task and the grid of exhibit images."""

from __future__ import annotations

import textwrap
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ownmark.report.aggregate import Grid, Group
from ownmark.report.cells import cell_lines, evidence_name
from ownmark.report.drawing import picture, said
from ownmark.report.facts import stated_rates
from ownmark.report.fields import Record, dig, number
from ownmark.report.naming import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

_LOW, _MIDDLE, _HIGH = "#E58B4B", "#FBFAF7", "#5FA5D2"
_NO_VERSION: dict[str, Any] = {"Software": None}  # matplotlib would write its own
_INK, _GREY = "#1a1a1a", "#ededed"
_CELL, _ROW = 1.6, 0.17  # inches: a cell's width, a line's height


def heat_map(grid: Grid) -> bytes:
    """Schemes x attacks as PNG; colour runs from "as an unmarked model" over the threshold to "all match"."""
    lines = max(len(cell_lines(grid.group(row, column))) for row in grid.rows for column in grid.columns)
    height = max(lines * _ROW + 0.22, 0.8)
    return picture(
        lambda figure: _draw(figure, grid), 2.2 + _CELL * len(grid.columns), 1.2 + height * len(grid.rows)
    )


def strength(group: Group | None) -> float | None:
    """Where the evidence stands, mean over seeds: 0 as the null models, 0.5 at the threshold, 1 all symbols match."""
    found = [value for record in (group.ok if group else ()) if (value := _strength(record)) is not None]
    return fmean(found) if found else None


def _strength(record: Record) -> float | None:
    rate, theta = number(record, "evidence", "rate"), number(record, "verdict", "theta")
    if dig(record, "evidence", "unreadable"):
        return 0.0
    if rate is None or theta is None:
        return None
    null = number(record, "verdict", "null_mean")
    null = null if null is not None and null < theta else number(record, "evidence", "chance") or 0.0
    if rate >= theta:
        return 1.0 if theta >= 1 else 0.5 + 0.5 * min(1.0, (rate - theta) / (1 - theta))
    return 0.5 * max(0.0, (rate - null) / (theta - null)) if null < theta else 0.0


def _draw(figure: Figure, grid: Grid) -> None:
    axes = figure.add_subplot()
    values = [[strength(grid.group(row, column)) for column in grid.columns] for row in grid.rows]
    image = axes.imshow(
        [[float("nan") if v is None else v for v in row] for row in values],
        cmap=claim_colours(),
        vmin=0,
        vmax=1,
        aspect="auto",
    )
    for y, row in enumerate(grid.rows):
        for x, column in enumerate(grid.columns):
            _cell(axes, x, y, grid.group(row, column), values[y][x])
    _label(axes, grid)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02, aspect=25, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["as an\nunmarked\nmodel", "threshold θ", "all symbols\nmatch"])
    bar.outline.set_visible(False)


def claim_colours() -> LinearSegmentedColormap:
    """From "as an unmarked model" over the threshold to "all match"."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("claim", [_LOW, _MIDDLE, _HIGH])


def _cell(axes: Axes, x: int, y: int, group: Group | None, value: float | None) -> None:
    from matplotlib.patches import Rectangle

    lines = cell_lines(group)
    removed = any(line.text.startswith(("✗ REMOVED", "✗ UNREADABLE")) for line in lines)
    if value is None:
        hatch = "////" if group and group.failed else None
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=_GREY, hatch=hatch, edgecolor="none"))
    if removed:
        axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, edgecolor=_INK, linewidth=2))
    name, step = evidence_name(group) if group else "", min(0.2, 0.8 / len(lines))
    for at, line in enumerate(lines):
        offset = (at - (len(lines) - 1) / 2) * step
        heavy = line.text.startswith(("✗", "✓", name or "✗"))
        axes.text(x, y + offset, said(line.text, 60), **_look(heavy, hatched=value is None))


def _look(heavy: bool, hatched: bool) -> dict[str, Any]:
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": _INK, "fontsize": 8.5}
    look["fontweight"] = "bold" if heavy else "normal"
    if hatched:  # the hatching of a failed cell must not run through its words
        look["bbox"] = {"facecolor": _GREY, "edgecolor": "none", "pad": 1.5}
    return look


def _label(axes: Axes, grid: Grid) -> None:
    axes.set_xticks(
        range(len(grid.columns)), [textwrap.fill(said(axis.name, 80), 20) for axis in grid.columns]
    )
    axes.set_yticks(range(len(grid.rows)), [_row_label(axis, grid) for axis in grid.rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    axes.set_xticks([x - 0.5 for x in range(1, len(grid.columns))], minor=True)
    axes.set_yticks([y - 0.5 for y in range(1, len(grid.rows))], minor=True)
    axes.grid(which="minor", color="white", linewidth=3)
    axes.tick_params(which="minor", length=0)
    axes.set_title(_title(grid), loc="left", pad=12)


def _row_label(row: Axis, grid: Grid) -> str:
    group = grid.row(row)
    count, symbol = group.first("evidence", "n"), group.first("evidence", "symbol")
    name = textwrap.fill(said(row.name, 80), 24)
    return name if count is None else f"{name}\n" + said(f"{count} {symbol or 'symbol'}s", 40)


def _title(grid: Grid) -> str:
    everything = grid.everything()
    facts = []
    if (tested := everything.first("utility", "n")) is not None:
        facts.append(f"n = {tested} test samples")
    seeds = everything.seeds()
    facts.append(f"{seeds} seed{'s' if seeds != 1 else ''}")
    facts.append(f"stated false-positive rate {stated_rates(everything)}")
    return f"{said(grid.task.name, 100)}: can ownership still be claimed?\n" + ", ".join(facts)
