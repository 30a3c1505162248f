"""What is left of each mark after each attack, and the average drop (the APP paper's AvgDrop)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ownmark.report.aggregate import Grid, Group, Mean, mean
from ownmark.report.blocks import Table, table
from ownmark.report.fields import Record, canonical, number
from ownmark.report.naming import Axis
from ownmark.report.numbers import estimate


def success(record: Record) -> float | None:
    """Success rate of fresh triggers (`wsr`) where it was measured, else the share of symbols that match."""
    fresh = number(record, "measured", "wsr", "value")
    return number(record, "evidence", "rate") if fresh is None else fresh


def average_drop(before: Group | None, after: list[Group]) -> Mean | None:
    """Mean over attacks of (success before - after); over the seeds in which every attack finished."""
    start = _by_seed(before)
    rates = [_by_seed(group) for group in after]
    seeds = set(start).intersection(*rates) if rates else set()
    drops = (sum(start[seed] - rate[seed] for rate in rates) / len(rates) for seed in sorted(seeds))
    return mean(drops)


def drop_table(grid: Grid, controls: Mapping[str, str]) -> Table | None:
    """Rows of success with intervals over seeds; None with fewer than two attacks.

    Args:
        controls: attack -> its control, by name; controls are left out.
    """
    left_out = set(controls.values()) - set(controls)
    attacks = [column for column in grid.columns if not column.unattacked and column.name not in left_out]
    if len(attacks) < 2:
        return None
    rows = [
        (row.name, *_shares(grid, row, attacks), estimate(_drop(grid, row, attacks))) for row in grid.rows
    ]
    return table(("scheme", "no attack", *(column.name for column in attacks), "AvgDrop"), rows)


def control_table(grid: Grid, controls: Mapping[str, str]) -> Table | None:
    """Success and utility after an attack, and after its control; None where neither was run."""
    by_name = {column.name: column for column in grid.columns}
    pairs = [(by_name[a], by_name[c]) for a, c in controls.items() if a in by_name and c in by_name]
    rows = []
    for row in grid.rows:
        for pair in pairs:
            groups = [group for column in pair if (group := grid.group(row, column)) is not None and group.ok]
            if len(groups) == 2:
                attacked, control = groups
                more = _difference(_by_seed(control), _by_seed(attacked))
                rows.append(
                    (row.name, pair[0].name, *_left(attacked), pair[1].name, *_left(control), estimate(more))
                )
    header = ("scheme", "attack", "left", "utility", "control", "left", "utility", "taken beyond the control")
    return table(header, rows) if rows else None


def _left(group: Group) -> tuple[str, str]:
    rates = (rate for record in group.ok if (rate := success(record)) is not None)
    return estimate(mean(rates)), estimate(group.mean("utility", "suspect"))


def _difference(first: Mapping[str, float], second: Mapping[str, float]) -> Mean | None:
    return mean(first[seed] - second[seed] for seed in sorted(set(first) & set(second)))


def _shares(grid: Grid, row: Axis, attacks: list[Axis]) -> Iterator[str]:
    unattacked = [column for column in grid.columns if column.unattacked]
    for column in [*unattacked[:1], *attacks]:
        group = grid.group(row, column)
        rates = [success(record) for record in group.ok] if group else []
        yield estimate(mean(rate for rate in rates if rate is not None))


def _drop(grid: Grid, row: Axis, attacks: list[Axis]) -> Mean | None:
    unattacked = [column for column in grid.columns if column.unattacked]
    faced = [group for column in attacks if (group := grid.group(row, column)) is not None]
    return average_drop(grid.group(row, unattacked[0]) if unattacked else None, faced)


def _by_seed(group: Group | None) -> dict[str, float]:
    found = ((canonical(r["cell"].get("seed")), success(r)) for r in (group.ok if group else ()))
    return {seed: rate for seed, rate in found if rate is not None}
