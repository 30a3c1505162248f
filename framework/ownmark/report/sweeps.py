"""Finds the cells of a task that differ in one numeric parameter of the attack or of the scheme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ownmark.report.aggregate import Grid, Group
from ownmark.report.fields import canonical, is_number
from ownmark.report.naming import Axis


@dataclass(frozen=True)
class Curve:
    """One line: groups by the value of the parameter."""

    name: str
    points: tuple[tuple[float, Group], ...]


@dataclass(frozen=True)
class Sweep:
    """One picture: a parameter of one attack (a line per scheme) or of one scheme (a line per attack)."""

    task: Axis
    method: str
    parameter: str
    fixed: str
    """The method's other parameters, where several pictures need telling apart."""
    curves: tuple[Curve, ...]


def sweeps(grid: Grid) -> list[Sweep]:
    """All sweeps of a task, attacks first."""
    found = []
    for parameter, fixed, swept in _families(grid.columns):
        curves = (_curve(row.name, parameter, [(a, grid.group(row, a)) for a in swept]) for row in grid.rows)
        found.append(_sweep(grid, swept[0].id, parameter, fixed, curves))
    for parameter, fixed, swept in _families(grid.rows):
        curves = (_curve(c.name, parameter, [(a, grid.group(a, c)) for a in swept]) for c in grid.columns)
        found.append(_sweep(grid, swept[0].id, parameter, fixed, curves))
    return [sweep for sweep in found if sweep.curves]


def _families(axes: Sequence[Axis]) -> Iterator[tuple[str, str, list[Axis]]]:
    """Methods of one id that differ in one numeric parameter alone: its name, the others as text, the methods."""
    families: dict[tuple[str, str, str], list[Axis]] = {}
    for axis in axes:
        for parameter, value in axis.params.items():
            if is_number(value):
                others = {name: other for name, other in axis.params.items() if name != parameter}
                families.setdefault((axis.id, parameter, canonical(others)), []).append(axis)
    several = {key: swept for key, swept in families.items() if len({a.params[key[1]] for a in swept}) > 1}
    for (method, parameter, rest), swept in several.items():
        alike = [key for key in several if key[:2] == (method, parameter)]
        yield parameter, rest if len(alike) > 1 else "", sorted(swept, key=lambda a: a.params[parameter])


def _curve(name: str, parameter: str, groups: list[tuple[Axis, Group | None]]) -> Curve:
    points = (
        (float(axis.params[parameter]), group) for axis, group in groups if group is not None and group.ok
    )
    return Curve(name, tuple(points))


def _sweep(grid: Grid, method: str, parameter: str, fixed: str, curves: Iterator[Curve]) -> Sweep:
    drawn = tuple(curve for curve in curves if len(curve.points) > 1)
    return Sweep(grid.task, method, parameter, fixed, drawn)
