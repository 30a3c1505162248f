"""Hidden features of suspects side by side: clean images by their class, triggers among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ownmark.report.aggregate import Grid
from ownmark.report.blocks import Table, table
from ownmark.report.drawing import OKABE_ITO, picture, said
from ownmark.report.fields import section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cloud = Mapping[str, Any]
_ACROSS = 4


def clouds(grid: Grid) -> list[tuple[str, Cloud]]:
    """What was seen of a task's suspects, by the names of scheme and attack."""
    found = []
    for row in grid.rows:
        for column in grid.columns:
            group = grid.group(row, column)
            cloud = next(
                (section(r, "features") for r in (group.ok if group else ()) if section(r, "features")), None
            )
            if cloud:
                found.append((row.name if column.unattacked else f"{row.name}, {column.name}", cloud))
    return found


def cloud_table(grid: Grid) -> Table | None:
    """How far apart the triggers of each suspect lie; None where nothing was seen."""
    rows = []
    for name, cloud in clouds(grid):
        apart = cloud["spread"]
        triggers = len(cloud["labels"]) - cloud["clean"]
        rows.append((name, str(cloud["clean"]), str(triggers), "–" if apart is None else f"{apart:.2f}"))
    header = (
        "network",
        "clean images",
        "triggers",
        "spread of the triggers' features, of the clean images' = 1",
    )
    return table(header, rows) if rows else None


def cloud_picture(found: Sequence[tuple[str, Cloud]]) -> bytes:
    """PNG: a panel a suspect, four in a row."""
    across = min(_ACROSS, len(found))
    down = -(-len(found) // across)
    return picture(lambda figure: _draw(figure, found, down, across), 3.2 * across + 0.4, 3.3 * down + 0.4)


def _draw(figure: Figure, found: Sequence[tuple[str, Cloud]], down: int, across: int) -> None:
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    for panel, (name, cloud) in zip(panels, found, strict=False):
        _panel(panel, cloud)
        panel.set_title(said(name, 40), loc="left")
    figure.suptitle("t-SNE: dots are clean images by class, crosses triggers", x=0.01, ha="left", fontsize=9)


def _panel(axes: Axes, cloud: Cloud) -> None:
    clean, points, labels = cloud["clean"], cloud["points"], cloud["labels"]
    colours = [OKABE_ITO[label % len(OKABE_ITO)] for label in labels[:clean]]
    across, up = ([point[axis] for point in points] for axis in (0, 1))
    axes.scatter(across[:clean], up[:clean], c=colours, s=5, linewidths=0, alpha=0.6)
    axes.scatter(across[clean:], up[clean:], c="black", marker="x", s=16, linewidths=0.8)
    axes.set_xticks([])
    axes.set_yticks([])
