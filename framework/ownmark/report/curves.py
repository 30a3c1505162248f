"""The picture of a sweep: evidence and utility against one parameter, with the interval over seeds as a band."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ownmark.report.aggregate import Mean
from ownmark.report.cells import utility_name
from ownmark.report.drawing import DASHES, MARKERS, OKABE_ITO, picture
from ownmark.report.sweeps import Curve, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def curve_picture(sweep: Sweep) -> bytes:
    """Two panels as PNG: share of matching symbols with each line's threshold dotted, and utility."""
    return picture(lambda figure: _draw(figure, sweep), 9.5, 3.8)


def _draw(figure: Figure, sweep: Sweep) -> None:
    evidence, utility = figure.subplots(1, 2)
    for at, curve in enumerate(sweep.curves):
        _line(
            evidence, at, curve, [group.mean("evidence", "rate") for _, group in curve.points], bounded=True
        )
        _theta(evidence, at, curve)
        accuracies = [group.mean("utility", "suspect") for _, group in curve.points]
        _line(utility, at, curve, accuracies, bounded=False)
    first = sweep.curves[0].points[0][1]
    evidence.set_title("evidence: share of matching symbols", loc="left")
    evidence.set_ylim(-0.03, 1.03)
    utility.set_title(f"utility: {utility_name(first)}", loc="left")
    for axes in (evidence, utility):
        _finish(axes, sweep)
    handles, names = evidence.get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside right center", frameon=False)
    title = f"{sweep.task.name}: {sweep.method}, {sweep.parameter}" + (
        f" {sweep.fixed}" if sweep.fixed else ""
    )
    figure.suptitle(
        f"{title}\nband: 95 % t interval over seeds; dotted: threshold θ", x=0.01, ha="left", fontsize=10
    )


def _line(axes: Axes, at: int, curve: Curve, means: list[Mean | None], bounded: bool) -> None:
    points = [(x, mean) for (x, _), mean in zip(curve.points, means, strict=True) if mean is not None]
    if not points:
        return
    colour = OKABE_ITO[at % len(OKABE_ITO)]
    xs, ys = [x for x, _ in points], [mean.value for _, mean in points]
    look = {"marker": MARKERS[at % len(MARKERS)], "linestyle": DASHES[at % len(DASHES)], "markersize": 5}
    axes.plot(xs, ys, color=colour, label=curve.name, **look)  # type: ignore[arg-type]
    low = [mean.value - (mean.half or 0.0) for _, mean in points]
    high = [mean.value + (mean.half or 0.0) for _, mean in points]
    if bounded:
        low, high = [max(0.0, value) for value in low], [min(1.0, value) for value in high]
    axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)


def _theta(axes: Axes, at: int, curve: Curve) -> None:
    thetas = [(x, theta.value) for x, group in curve.points if (theta := group.mean("verdict", "theta"))]
    xs, ys = [x for x, _ in thetas], [theta for _, theta in thetas]
    axes.plot(xs, ys, color=OKABE_ITO[at % len(OKABE_ITO)], linestyle=":", linewidth=1)


def _finish(axes: Axes, sweep: Sweep) -> None:
    xs = [x for curve in sweep.curves for x, _ in curve.points]
    if min(xs) > 0 and max(xs) / min(xs) >= 100:
        axes.set_xscale("log")
    axes.set_xlabel(sweep.parameter)
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
