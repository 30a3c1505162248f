"""Pictures: what they are made of, and that they are reproducible."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread
from tests.report.fakes import cell, method, quickstart, record

from ownmark.report.aggregate import Group, grids
from ownmark.report.curves import LINES, curve_picture
from ownmark.report.figures import heat_map, strength
from ownmark.report.sweeps import sweeps


def pixels(png):
    return np.round(imread(io.BytesIO(png))[..., :3] * 255).astype(int)


def swept(values, scheme="uchida", seeds=2, **other):
    attacks = [method("prune", {"fraction": value, **other}) for value in values]
    cells = [cell(scheme, "prune", seed, attack=attack) for attack in attacks for seed in range(seeds)]
    return [record(scheme, "prune", one["seed"]) | {"cell": one} for one in cells]


def stood(rate, theta, null_mean=0.5, chance=0.5):
    made = {"evidence": {"rate": rate, "chance": chance}, "verdict": {"theta": theta, "null_mean": null_mean}}
    return strength(Group((made,), ()))


@pytest.mark.parametrize(
    ("rate", "theta", "value"),
    [
        *(
            (1.0, 0.6, 1.0),
            (0.6, 0.6, 0.5),
            (0.8, 0.6, 0.75),
            (0.55, 0.6, 0.25),
            (0.5, 0.6, 0.0),
            (0.3, 0.6, 0.0),
        ),
        *((1.0, 1.0, 1.0), (1.0, 1.01, 0.49)),
    ],
)
def test_colour_runs_from_unmarked_over_the_threshold_to_all_symbols(rate, theta, value):
    assert stood(rate, theta) == pytest.approx(value, abs=0.006)


def test_colour_needs_evidence_and_a_threshold():
    assert stood(None, 0.6) is None
    assert stood(0.9, None) is None
    assert stood(0.55, 0.6, null_mean=None) == pytest.approx(0.25)


def test_heat_map_bytes_do_not_depend_on_the_users_style():
    (grid,) = grids(quickstart()[0])
    first = heat_map(grid)
    with rc_context({"text.color": "red", "axes.titlecolor": "red", "savefig.dpi": 20}):
        assert heat_map(grid) == first
    assert b"Software" not in first


def test_heat_map_changes_with_the_numbers():
    records, _ = quickstart()
    (grid,) = grids(records)
    first = heat_map(grid)
    records[0]["utility"]["suspect"] = 0.5
    (grid,) = grids(records)
    assert heat_map(grid) != first


def test_a_swept_attack_gives_a_curve_for_each_scheme():
    (grid,) = grids(swept([0.9, 0.1, 0.5]) + swept([0.1, 0.5, 0.9], "riga"))
    (sweep,) = sweeps(grid)
    assert (sweep.method, sweep.parameter) == ("prune", "fraction")
    assert {curve.name: [x for x, _ in curve.points] for curve in sweep.curves} == {
        "uchida": [0.1, 0.5, 0.9],
        "riga": [0.1, 0.5, 0.9],
    }
    assert len(sweep.curves[0].points[0][1].ok) == 2


def test_a_swept_scheme_gives_a_curve_for_each_attack():
    schemes = [method("uchida", {"bits": bits}) for bits in (64, 128)]
    (grid,) = grids(
        [
            record("uchida", a) | {"cell": cell("uchida", a, scheme=s)}
            for s in schemes
            for a in ("none", "pst")
        ]
    )
    (sweep,) = sweeps(grid)
    assert (sweep.method, sweep.parameter) == ("uchida", "bits")
    assert [curve.name for curve in sweep.curves] == ["no attack", "pst"]


def test_two_parameters_that_change_together_are_no_sweep():
    (grid,) = grids(swept([0.1], rounds=1) + swept([0.9], rounds=5))
    assert sweeps(grid) == []


def test_a_grid_of_two_parameters_is_a_sweep_for_each_fixed_value():
    (grid,) = grids([one for rounds in (1, 5) for one in swept([0.1, 0.9], rounds=rounds)])
    assert sorted((s.parameter, s.fixed) for s in sweeps(grid)) == [
        ("fraction", '{"rounds": 1}'),
        ("fraction", '{"rounds": 5}'),
        ("rounds", '{"fraction": 0.1}'),
        ("rounds", '{"fraction": 0.9}'),
    ]


def test_the_other_parameters_are_named_only_where_pictures_need_telling_apart():
    (grid,) = grids(swept([0.1, 0.9], rounds=1) + swept([0.5], rounds=5))
    assert [sweep.fixed for sweep in sweeps(grid)] == [""]


def test_texts_and_truths_are_no_sweep():
    (grid,) = grids(swept(["a", "b"]) + swept([True, False], "riga"))
    assert sweeps(grid) == []


@pytest.mark.parametrize(
    "names", [(), ("private_accuracy",), ("private_accuracy", "random_passport_accuracy")]
)
def test_rates_that_a_scheme_measures_have_a_panel_each(monkeypatch, names):
    found = swept([0.001, 0.1, 0.9])
    for at, one in enumerate(found):
        one["measured"] = {name: {"hits": at, "n": 8, "value": at / 8} for name in names}
    (grid,) = grids(found)
    (sweep,) = sweeps(grid)
    drawn = Figure()
    monkeypatch.setattr("ownmark.report.curves.picture", lambda draw, *size: draw(drawn))
    curve_picture(sweep)
    panels = {axes.get_title("left"): axes for axes in drawn.axes}
    assert set(list(panels)[2:]) == {name.replace("_", " ") for name in names}
    for name in names:
        (line,) = panels[name.replace("_", " ")].get_lines()
        assert list(line.get_ydata()) == [0.5 / 8, 2.5 / 8, 4.5 / 8]


@pytest.mark.parametrize("schemes", [30, 31, 200])
def test_a_crowd_of_lines_is_drawn_as_its_middle_and_its_range(monkeypatch, schemes):
    found = []
    for at in range(schemes):
        one = swept([0.1, 0.5], f"scheme{at:03d}")
        for each in one:
            each["evidence"]["rate"] = at / schemes
        found += one
    (grid,) = grids(found)
    (sweep,) = sweeps(grid)
    assert len(sweep.curves) == schemes
    drawn = Figure()
    monkeypatch.setattr("ownmark.report.curves.picture", lambda draw, *size: draw(drawn))
    curve_picture(sweep)
    evidence = drawn.axes[0]
    lines = [line for line in evidence.get_lines() if line.get_linestyle() != ":"]
    if schemes <= LINES:
        assert len(lines) == schemes
        assert len(drawn.legends[0].get_texts()) == schemes
        return
    (middle,) = lines
    assert list(middle.get_ydata()) == [pytest.approx((schemes - 1) / 2 / schemes)] * 2
    (band,) = evidence.collections
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx((schemes - 1) / schemes)
    assert not drawn.legends
    assert f"the middle of {schemes}" in drawn.get_suptitle()


def test_curve_picture_is_reproducible():
    (grid,) = grids(swept([0.001, 0.1, 0.9]))
    (sweep,) = sweeps(grid)
    assert curve_picture(sweep) == curve_picture(sweep)
