"""Landscapes of marked networks side by side, and the basin of each where the mark is gone and the task is not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ownmark.report.aggregate import Grid
from ownmark.report.blocks import Table, table
from ownmark.report.drawing import picture
from ownmark.report.fields import section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Plane = Mapping[str, Any]
KEPT, GONE = 0.9, 0.2
"""A point lies in the basin if it keeps this share of the utility, and the mark reads less than that."""


def planes(grid: Grid) -> list[tuple[str, Plane]]:
    """The landscapes of a task, by the name of their row."""
    found = []
    for row in grid.rows:
        records = grid.row(row).ok
        plane = next(
            (section(record, "landscape") for record in records if section(record, "landscape")), None
        )
        if plane:
            found.append((row.name, plane))
    return found


def basin(plane: Plane) -> tuple[float, float | None]:
    """Share of the plane where utility is kept and the mark is gone, and its nearest point's distance along the
    adversarial axis alone; None if there is none."""
    origin = plane["utility"][0][0]
    inside = [
        [
            rate is not None and use is not None and use >= KEPT * origin and rate < GONE
            for rate, use in zip(*rows, strict=True)
        ]
        for rows in zip(plane["rate"], plane["utility"], strict=True)
    ]
    share = sum(map(sum, inside)) / max(1, sum(map(len, inside)))
    return share, next((at for at, row in zip(plane["adversarial"], inside, strict=True) if row[0]), None)


def basin_table(grid: Grid) -> Table | None:
    """The basins of a task; None without landscapes."""
    rows = []
    for name, plane in planes(grid):
        share, distance = basin(plane)
        near = "–" if distance is None else f"{distance:.3f}"
        rows.append((name, f"{share:.3f}", near, f"{plane['tuned']:.3f}", str(plane["direction"])))
    header = (
        "scheme",
        f"share with utility ≥ {KEPT:.0%} of the origin's and evidence < {GONE:g}",
        "nearest on the first axis",
        "fine-tuned network at",
        "first axis",
    )
    return table(header, rows) if rows else None


def vicinity_picture(found: Sequence[tuple[str, Plane]]) -> bytes:
    """PNG: a column a landscape, evidence above utility."""
    return picture(lambda figure: _draw(figure, found), 3.2 * len(found) + 0.6, 5.6)


def _draw(figure: Figure, found: Sequence[tuple[str, Plane]]) -> None:
    panels = figure.subplots(2, len(found), squeeze=False)
    for column, (name, plane) in enumerate(found):
        for row, (what, title) in enumerate((("rate", "evidence"), ("utility", "utility"))):
            _panel(panels[row][column], plane, what)
            panels[row][column].set_title(f"{name}: {title}", loc="left")
        panels[1][column].set_xlabel("towards the fine-tuned network")
    for row in panels:
        row[0].set_ylabel("first axis")
    figure.colorbar(panels[0][0].collections[0], ax=panels, shrink=0.8, label="evidence, utility")
    figure.suptitle(
        "dot: marked network; star: fine-tuned; distances relative to the weights\n"
        f"the basin lies outside the solid line (evidence {GONE:g}) and inside the dashed one "
        f"({KEPT:.0%} of the utility)",
        x=0.01,
        ha="left",
        fontsize=9,
    )


def _panel(axes: Axes, plane: Plane, what: str) -> None:
    levels = [i / 10 for i in range(11)]
    axes.contourf(
        plane["finetuning"],
        plane["adversarial"],
        _values(plane, what),
        levels=levels,
        cmap="viridis",
        extend="both",
    )
    _edge(axes, plane, "rate", GONE, "solid")
    _edge(axes, plane, "utility", KEPT * _values(plane, "utility")[0][0], "dashed")
    axes.plot(0, 0, "o", color="black", markersize=6, clip_on=False)
    if plane["tuned"] <= plane["finetuning"][-1]:
        axes.plot(plane["tuned"], 0, "*", color="red", markersize=11, clip_on=False)


def _edge(axes: Axes, plane: Plane, what: str, level: float, style: str) -> None:
    """The line on which evidence or utility has this value, if it crosses the plane."""
    values = _values(plane, what)
    known = [value for row in values for value in row if not math.isnan(value)]
    if known and min(known) < level < max(known):
        axes.contour(
            plane["finetuning"],
            plane["adversarial"],
            values,
            levels=[level],
            colors="white",
            linestyles=style,
            linewidths=1.5,
        )


def _values(plane: Plane, what: str) -> list[list[float]]:
    return [[math.nan if value is None else value for value in row] for row in plane[what]]
