"""The picture of a sweep: evidence, utility and measured rates against one parameter, with the interval over seeds.

A few lines have it as a band, many as bars, which do not cover each other; a crowd is its middle and its range.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from statistics import median
from typing import TYPE_CHECKING

from ownmark.report.aggregate import Group, Mean
from ownmark.report.cells import utility_name
from ownmark.report.drawing import DASHES, MARKERS, OKABE_ITO, picture, said
from ownmark.report.sweeps import Curve, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


TICKS = 20
"""Swept values that are written at an axis, at most."""
FEW = 4
"""Lines whose intervals are drawn as bands."""
LINES = 30
"""Lines that are told apart, at most."""
RATES = 6
"""Panels of measured rates, at most."""


def curve_picture(sweep: Sweep) -> bytes:
    """A PNG: share of matching symbols with each line's threshold dotted, utility, a panel a measured rate."""
    rates = _rates(sweep)
    return picture(lambda figure: _draw(figure, sweep, rates), 9.5, 3.8 + 3.2 * ceil(len(rates) / 2))


def _rates(sweep: Sweep) -> list[str]:
    """Names of what schemes measure on a suspect beside the evidence, such as a private branch's accuracy."""
    groups = [group for curve in sweep.curves for _, group in curve.points]
    return list(dict.fromkeys(name for group in groups for name in group.names("measured")))[:RATES]


def _draw(figure: Figure, sweep: Sweep, rates: list[str]) -> None:
    panels = figure.subplots(1 + ceil(len(rates) / 2), 2, squeeze=False).flatten()
    evidence, utility, *others = panels
    _lines(evidence, sweep, lambda group: group.mean("evidence", "rate"))
    _thetas(evidence, sweep)
    _lines(utility, sweep, lambda group: group.mean("utility", "suspect"))
    first = sweep.curves[0].points[0][1]
    evidence.set_title("evidence: share of matching symbols", loc="left")
    evidence.set_ylim(-0.03, 1.03)
    utility.set_title(f"utility: {said(utility_name(first))}", loc="left")
    for axes, name in zip(others, rates, strict=False):
        _rate(axes, name, sweep)
    for axes in others[len(rates) :]:
        axes.remove()
    for axes in panels[: 2 + len(rates)]:
        _finish(axes, sweep)
    handles, names = evidence.get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside right center", frameon=False)
    title = f"{sweep.task.name}: {sweep.method}, {sweep.parameter}" + (
        f" {sweep.fixed}" if sweep.fixed else ""
    )
    figure.suptitle(
        f"{said(title, 150)}\n{_kind(sweep)}; dotted: threshold θ",
        x=0.01,
        ha="left",
        fontsize=10,
    )


def _kind(sweep: Sweep) -> str:
    """What surrounds the lines."""
    if len(sweep.curves) > LINES:
        return f"line: the middle of {len(sweep.curves):,d}; band: from the lowest to the highest of them"
    return f"{'band' if len(sweep.curves) <= FEW else 'bar'}: 95 % t interval over seeds"


def _lines(axes: Axes, sweep: Sweep, of: Callable[[Group], Mean | None]) -> None:
    """A line for each curve; of a crowd the middle and the range."""
    if len(sweep.curves) <= LINES:
        for at, curve in enumerate(sweep.curves):
            means = [of(group) for _, group in curve.points]
            _line(axes, at, curve, means, len(sweep.curves) <= FEW)
        return
    values = _by_value(sweep, of)
    if values:
        xs, colour = list(values), OKABE_ITO[0]
        axes.plot(xs, [median(values[x]) for x in xs], color=colour, marker=MARKERS[0], markersize=5)
        low, high = ([end(values[x]) for x in xs] for end in (min, max))
        axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)


def _by_value(sweep: Sweep, of: Callable[[Group], Mean | None]) -> dict[float, list[float]]:
    """All curves' means by the value of the parameter, in its order."""
    found: dict[float, list[float]] = {}
    for curve in sweep.curves:
        for x, group in curve.points:
            if (mean := of(group)) is not None:
                found.setdefault(x, []).append(mean.value)
    return dict(sorted(found.items()))


def _rate(axes: Axes, name: str, sweep: Sweep) -> None:
    _lines(axes, sweep, lambda group: group.mean("measured", name, "value"))
    axes.set_title(said(name.replace("_", " "), 45), loc="left")
    axes.set_ylim(-0.03, 1.03)


def _line(axes: Axes, at: int, curve: Curve, means: list[Mean | None], bands: bool) -> None:
    """A line of means with their intervals, cut off at the ends of [0, 1], where all these rates lie."""
    points = [(x, mean) for (x, _), mean in zip(curve.points, means, strict=True) if mean is not None]
    if not points:
        return
    colour = OKABE_ITO[at % len(OKABE_ITO)]
    xs, ys = [x for x, _ in points], [mean.value for _, mean in points]
    look = {"marker": MARKERS[at % len(MARKERS)], "linestyle": DASHES[at % len(DASHES)], "markersize": 5}
    axes.plot(xs, ys, color=colour, label=said(curve.name, 60), **look)  # type: ignore[arg-type]
    low = [max(min(0.0, mean.value), mean.value - (mean.half or 0.0)) for _, mean in points]
    high = [min(max(1.0, mean.value), mean.value + (mean.half or 0.0)) for _, mean in points]
    if bands:
        axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)
    else:
        axes.vlines(xs, low, high, color=colour, alpha=0.6, linewidth=1)


def _thetas(axes: Axes, sweep: Sweep) -> None:
    if len(sweep.curves) <= LINES:
        for at, curve in enumerate(sweep.curves):
            _theta(axes, at, curve)
        return
    values = _by_value(sweep, lambda group: group.mean("verdict", "theta"))
    ys = [median(found) for found in values.values()]
    axes.plot(list(values), ys, color=OKABE_ITO[0], linestyle=":", linewidth=1)


def _theta(axes: Axes, at: int, curve: Curve) -> None:
    thetas = [(x, theta.value) for x, group in curve.points if (theta := group.mean("verdict", "theta"))]
    xs, ys = [x for x, _ in thetas], [theta for _, theta in thetas]
    axes.plot(xs, ys, color=OKABE_ITO[at % len(OKABE_ITO)], linestyle=":", linewidth=1)


def _finish(axes: Axes, sweep: Sweep) -> None:
    _scale(axes, sorted({x for curve in sweep.curves for x, _ in curve.points}))
    axes.set_xlabel(said(sweep.parameter))
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _scale(axes: Axes, xs: list[float]) -> None:
    """Logarithmic where values grow by factors, with the swept values as ticks where they double from zero on."""
    positive = [x for x in xs if x > 0]
    if xs[0] > 0 and xs[-1] / xs[0] >= 100:
        axes.set_xscale("log")
    elif xs[0] == 0 and len(positive) > 2 and positive[-1] / positive[0] >= 8:
        axes.set_xscale("symlog", base=2, linthresh=positive[0], linscale=0.7)
        ticks = xs[:: -(-len(xs) // TICKS)]
        axes.set_xticks(ticks, [f"{x:.3g}" for x in ticks])
        axes.set_xlim(-0.2 * positive[0], 1.2 * positive[-1])
        axes.minorticks_off()
