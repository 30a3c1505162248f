"""Hidden features side by side: clean images by their class, triggers and an attack's pictures among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ownmark.report.aggregate import Grid
from ownmark.report.blocks import Table, table
from ownmark.report.drawing import MARKERS, OKABE_ITO, picture, said
from ownmark.report.fields import is_number, section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cloud = Mapping[str, Any]
_ACROSS = 4


def clouds(grid: Grid) -> list[tuple[str, Cloud]]:
    """What was seen of a task's networks, by the names of scheme and attack: the marked one before each suspect."""
    found = []
    for row in grid.rows:
        for column in grid.columns:
            group = grid.group(row, column)
            cloud = next(
                (section(r, "features") for r in (group.ok if group else ()) if section(r, "features")), None
            )
            if cloud:
                found += _views(row.name if column.unattacked else f"{row.name}, {column.name}", cloud)
    return found


def _views(name: str, cloud: Cloud) -> list[tuple[str, Cloud]]:
    before = section(cloud, "before")
    return (
        [(f"{name}, before", {**cloud, **before}), (f"{name}, after", cloud)] if before else [(name, cloud)]
    )


def cloud_table(grid: Grid) -> Table | None:
    """Where the triggers of each network lie, and how near an attack's pictures are; None where nothing was seen."""
    rows = []
    for name, cloud in clouds(grid):
        triggers = len(cloud["labels"]) - cloud["clean"]
        near = [f"{what}: {_number(value)}" for what, value in section(cloud, "near").items()]
        told = (_number(cloud["spread"]), _number(cloud.get("home")), ", ".join(near) or "–")
        rows.append((name, str(cloud["clean"]), str(triggers), *told))
    header = (
        "network",
        "clean images",
        "triggers",
        "spread of the triggers' features, of the clean images' = 1",
        "triggers among images of their label",
        "distance to the nearest trigger, of clean images = 1",
    )
    return table(header, rows) if rows else None


def _number(value: Any) -> str:
    return f"{value:.2f}" if is_number(value) else "–"


def cloud_picture(found: Sequence[tuple[str, Cloud]]) -> bytes:
    """PNG: a panel a suspect, four in a row."""
    across = min(_ACROSS, len(found))
    down = -(-len(found) // across)
    return picture(lambda figure: _draw(figure, found, down, across), 3.2 * across + 0.4, 3.3 * down + 0.4)


def _draw(figure: Figure, found: Sequence[tuple[str, Cloud]], down: int, across: int) -> None:
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    kinds = list(dict.fromkeys(name for _, cloud in found for name in section(cloud, "pictures")))
    for panel, (name, cloud) in zip(panels, found, strict=False):
        _panel(panel, cloud, kinds)
        panel.set_title(said(name, 40), loc="left")
    figure.suptitle("t-SNE: dots are clean images by class, crosses triggers", x=0.01, ha="left", fontsize=9)
    if kinds:
        marks = [panels[0].scatter([], [], **_look(at), label=said(kind)) for at, kind in enumerate(kinds)]
        figure.legend(handles=marks, loc="outside lower left", ncols=3, frameon=False)


def _panel(axes: Axes, cloud: Cloud, kinds: Sequence[str]) -> None:
    clean, points, labels = cloud["clean"], cloud["points"], cloud["labels"]
    colours = [OKABE_ITO[label % len(OKABE_ITO)] for label in labels[:clean]]
    across, up = ([point[axis] for point in points] for axis in (0, 1))
    begin = len(labels)
    for kind, count in section(cloud, "pictures").items():
        shown = slice(begin, begin + count)
        axes.scatter(across[shown], up[shown], **_look(kinds.index(kind)))
        begin += count
    axes.scatter(across[:clean], up[:clean], c=colours, s=5, linewidths=0, alpha=0.6)
    axes.scatter(
        across[clean : len(labels)], up[clean : len(labels)], c="black", marker="x", s=16, linewidths=0.8
    )
    axes.set_xticks([])
    axes.set_yticks([])


def _look(at: int) -> dict[str, Any]:
    """Hollow marks of an attack's pictures, by their number."""
    return {
        "marker": MARKERS[1 + at % (len(MARKERS) - 1)],
        "s": 18,
        "facecolors": "none",
        "edgecolors": OKABE_ITO[-1 - at % 4],
    }
