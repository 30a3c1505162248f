"""Grids, groups and means over seeds."""

from __future__ import annotations

import math

import pytest
from tests.report.fakes import cell, failed, method, quickstart, record

from ownmark.report.aggregate import Mean, grids, mean


def only(records, expected=None):
    (grid,) = grids(records, expected)
    return grid


def group_of(grid, row, column):
    by_name = {axis.name: axis for axis in (*grid.rows, *grid.columns)}
    return grid.group(by_name[row], by_name[column])


def with_rate(seed, rate):
    made = record("uchida", "prune", seed)
    made["evidence"]["rate"] = rate
    return made


def test_mean_over_three_seeds_has_the_t_interval():
    found = mean([0.8, 0.9, 1.0])
    assert found.value == pytest.approx(0.9)
    assert found.half == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-5)
    assert found.seeds == 3


def test_mean_of_one_seed_has_no_interval():
    assert mean([0.5]) == Mean(0.5, None, 1)


def test_mean_passes_over_what_is_no_finite_number():
    assert mean([None, float("nan"), True, 0.5]) == Mean(0.5, None, 1)
    assert mean([None]) is None


def test_failed_cells_are_never_averaged():
    broken = failed("uchida", "prune", 2) | {"evidence": {"rate": 0.0}, "verdict": {"claim": False}}
    group = group_of(only([with_rate(0, 0.8), with_rate(1, 1.0), broken]), "uchida", "prune")
    assert group.mean("evidence", "rate").value == pytest.approx(0.9)
    assert group.claims() == (2, 2)
    assert [one["id"] for one in group.failed] == ["uchida-prune-2"]


def test_claims_count_seeds():
    records = [record("uchida", "prune", seed) for seed in range(3)]
    records[1]["verdict"]["claim"] = False
    assert group_of(only(records), "uchida", "prune").claims() == (2, 3)


def test_missing_seeds_come_from_the_plan():
    expected = [cell("uchida", "prune", seed) for seed in range(3)]
    group = group_of(only([record("uchida", "prune", 1)], expected), "uchida", "prune")
    assert group.missing == ("0", "2")


def test_without_a_plan_every_scheme_is_expected_under_every_attack():
    grid = only([record("uchida", "none", 0), record("riga", "prune", 0)])
    assert group_of(grid, "uchida", "prune").missing == ("0",)


def test_cells_outside_the_plan_are_not_missing():
    expected = [cell("uchida", "none"), cell("riga", "prune")]
    assert group_of(only([], expected), "uchida", "prune") is None


def test_no_attack_comes_first_and_the_rest_keeps_its_order():
    grid = only([record("uchida", attack) for attack in ("prune", "none", "finetune")])
    assert [column.name for column in grid.columns] == ["no attack", "prune", "finetune"]


def test_one_grid_a_task():
    other = record() | {"cell": cell("uchida", "none", task="mnist/mlp")}
    assert [grid.task.name for grid in grids([record(), other])] == ["digits/convnet", "mnist/mlp"]


def test_another_extractor_is_another_row():
    aligned = record() | {"cell": cell("uchida", "none", extractor={**method("align"), "default": False})}
    assert [row.name for row in only([record(), aligned]).rows] == ["uchida", "uchida (align)"]


def test_equal_labels_are_told_apart_by_the_parameters_that_differ():
    attacks = [method("prune", {"fraction": share, "layer": "all"}) for share in (0.5, 0.9)]
    grid = only([record() | {"cell": cell("uchida", "prune", attack=attack)} for attack in attacks])
    assert [column.name for column in grid.columns] == ["prune fraction=0.5", "prune fraction=0.9"]


def test_different_parameters_under_one_label_are_never_averaged_together():
    one, other = with_rate(0, 0.6), with_rate(1, 1.0)
    other["cell"]["attack"]["params"] = {"fraction": 0.1}
    assert len(only([one, other]).columns) == 2


def test_quickstart_counts():
    records, plan = quickstart()
    everything = only(records, [entry["cell"] for entry in plan["cells"]]).everything()
    assert (len(everything.ok), len(everything.failed), len(everything.missing)) == (46, 1, 1)


def overwritten(scheme, **changes):
    attack = method("overwrite", {"scheme": {scheme: {"start": "trained"}}})
    return cell(scheme, "overwrite", attack=attack, **changes)


def test_attacks_of_one_name_for_different_schemes_share_a_column():
    planned = [overwritten("uchida"), overwritten("riga")]
    grid = only([record("uchida") | {"cell": planned[0]}], planned)
    assert [(axis.name, dict(axis.params)) for axis in grid.columns] == [("overwrite", {})]
    assert [len(group_of(grid, row, "overwrite").ok) for row in ("uchida", "riga")] == [1, 0]
    assert group_of(grid, "riga", "overwrite").missing == ("0",)


def test_attacks_of_one_name_that_meet_on_a_scheme_have_columns_of_their_own():
    planned = [
        overwritten("uchida"),
        {**overwritten("uchida"), "scheme": method("riga")},
        overwritten("riga"),
    ]
    assert len(only([], planned).columns) == 2
