"""AvgDrop: by seed, over attacks, from fresh triggers where there are any."""

from __future__ import annotations

from typing import Any

import pytest

from ownmark.report.aggregate import grids
from ownmark.report.drops import average_drop, control_table, drop_table, success


def record(scheme: str, attack: str, seed: int, rate: float, wsr: float | None = None) -> dict[str, Any]:
    method = lambda name: {"id": name, "label": name, "params": {}}  # noqa: E731
    cell = {
        "task": "d/h", "dataset": method("d"), "host": method("h"), "scheme": method(scheme), "attack": method(attack),
        "extractor": {**method("e"), "default": True}, "seed": seed,
    }  # fmt: skip
    measured = {} if wsr is None else {"wsr": {"value": wsr}}
    return {"cell": cell, "status": "ok", "evidence": {"rate": rate}, "measured": measured}


RECORDS = [
    record("content", "none", 0, 1.0, 0.9), record("content", "a", 0, 1.0, 0.3), record("content", "b", 0, 1.0, 0.5),
    record("content", "none", 1, 1.0, 1.0), record("content", "a", 1, 1.0, 0.6), record("content", "b", 1, 1.0, 0.8),
    record("rose", "none", 0, 1.0), record("rose", "a", 0, 0.5), record("rose", "b", 0, 0.9),
]  # fmt: skip


def test_fresh_triggers_count_where_they_are_measured() -> None:
    assert success(record("x", "a", 0, 0.7, 0.2)) == 0.2
    assert success(record("x", "a", 0, 0.7)) == 0.7


def test_average_drop_is_the_mean_over_attacks_of_each_seed() -> None:
    (grid,) = grids(RECORDS)
    row = grid.rows[0]
    found = average_drop(grid.group(row, grid.columns[0]), [grid.group(row, c) for c in grid.columns[1:]])  # type: ignore[misc]
    assert found is not None
    assert found.value == pytest.approx((0.5 + 0.3) / 2)
    assert found.seeds == 2


def test_seeds_in_which_an_attack_is_missing_do_not_count() -> None:
    (grid,) = grids(RECORDS[:-4])
    row = grid.rows[0]
    found = average_drop(grid.group(row, grid.columns[0]), [grid.group(row, c) for c in grid.columns[1:]])  # type: ignore[misc]
    assert found is not None
    assert (found.value, found.seeds) == (pytest.approx(0.5), 1)


def test_table_has_a_row_a_scheme_and_ends_with_the_drop() -> None:
    table = drop_table(grids(RECORDS)[0], {})
    assert table is not None
    assert table.header == ("scheme", "no attack", "a", "b", "AvgDrop")
    texts = [[entry[0].text for entry in row] for row in table.rows]
    assert texts[1] == ["rose", "1.000", "0.500", "0.900", "0.300"]
    assert drop_table(grids([r for r in RECORDS if r["cell"]["attack"]["id"] != "b"])[0], {}) is None


def test_controls_stand_beside_their_attacks_and_count_for_no_drop() -> None:
    extra = [record("content", "c", seed, 1.0, 0.9) for seed in (0, 1)] + [record("rose", "c", 0, 0.8)]
    (grid,) = grids(RECORDS + extra)
    dropped, beside = drop_table(grid, {"a": "c"}), control_table(grid, {"a": "c", "b": "gone"})
    assert dropped is not None
    assert dropped.header == ("scheme", "no attack", "a", "b", "AvgDrop")
    assert beside is not None
    texts = [[entry[0].text for entry in row] for row in beside.rows]
    assert [row[:2] + row[4:5] for row in texts] == [["content", "a", "c"], ["rose", "a", "c"]]
    assert [row[-1].split()[0] for row in texts] == ["0.450", "0.300"]
    assert control_table(grid, {"b": "gone"}) is None


def test_an_attack_that_controls_another_still_counts_if_it_has_a_control_itself() -> None:
    (grid,) = grids([*RECORDS, record("content", "c", 0, 1.0, 0.9)])
    dropped = drop_table(grid, {"a": "b", "b": "c"})
    assert dropped is not None
    assert dropped.header == ("scheme", "no attack", "a", "b", "AvgDrop")
