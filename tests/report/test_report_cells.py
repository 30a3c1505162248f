"""What one cell of the matrix says."""

from __future__ import annotations

import pytest
from tests.report.fakes import failed, record

from ownmark.report.aggregate import Group, grids
from ownmark.report.cells import cell_lines, failures
from ownmark.report.facts import above, contradicted, criteria, granted, thresholds
from ownmark.report.numbers import interval_text, p_text, span, to_ascii


def group(*records, missing=()):
    return Group(
        tuple(r for r in records if r["status"] == "ok"),
        tuple(r for r in records if r["status"] != "ok"),
        missing,
    )


def said(*records, missing=()):
    return [line.text for line in cell_lines(group(*records, missing=missing))]


def fixed(seed=0, **evidence):
    made = record("uchida", "prune", seed)
    made["utility"]["suspect"] = 0.97
    made["evidence"] |= {"hits": 152, "n": 160, "rate": 0.95} | evidence
    return made


def test_one_seed_of_bits():
    assert said(fixed()) == ["acc 0.970", "BER 0.050", "claim p=1e-9", "✓ survived"]


@pytest.mark.parametrize(
    ("reach", "line"), [(0.154, "reached 15% of the weights"), (0.5, "reached 50% of the weights")]
)
def test_a_mark_that_survived_an_attack_out_of_reach_says_so(reach, line):
    assert said(fixed() | {"exhibits": {"reach": reach}})[-1] == line


@pytest.mark.parametrize("exhibits", [{"reach": 0.95}, {"reach": "much"}, {}])
def test_an_attack_within_reach_needs_no_remark(exhibits):
    assert said(fixed() | {"exhibits": exhibits})[-1] == "✓ survived"


def test_three_seeds_show_intervals_counts_and_the_largest_p():
    records = [fixed(0), fixed(1), fixed(2, rate=0.92)]
    records[2]["verdict"]["p_value"] = 0.0012
    assert said(*records) == ["acc 0.970 ±0.000", "BER 0.060 ±0.043", "claim 3/3 p≤0.0012", "✓ survived 3/3"]


ABOVE = [
    ({"p_value": 0.2, "basis": "shape", "decided_by": "nulls", "null_models": 4}, "claim p=0.2 (shape)", 1),
    ({"p_value": 0.5, "basis": "shape", "decided_by": "both", "null_models": 1}, "claim p=0.5 (shape)", 1),
    ({"p_value": 0.06, "basis": "exact", "decided_by": "decoys"}, "claim p=0.06 (decoys)", 1),
    ({"p_value": 0.05, "basis": "rank", "decided_by": "nulls"}, "claim p=0.05", 0),
    ({"p_value": 0.2, "basis": "shape", "claim": False}, "no claim p=0.2", 0),
]


@pytest.mark.parametrize(("verdict", "line", "notes"), ABOVE)
def test_a_claim_beside_a_p_above_its_rate_says_what_it_rests_on(verdict, line, notes):
    made = fixed()
    made["verdict"] |= {"stated_rate": 0.05} | verdict
    assert said(made)[2] == line
    (grid,) = grids([made])
    assert len(above(grid)) == notes
    for note in above(grid):
        if verdict["decided_by"] == "decoys":
            assert "marked (decoys) are made by fresh keys" in note
            continue
        assert f"{verdict['null_models']} null models cannot show 0.05, 19 can" in note


def test_of_several_seeds_one_above_its_rate_is_enough():
    records = [fixed(0), fixed(1)]
    records[1]["verdict"] |= {"stated_rate": 0.05, "p_value": 0.2, "basis": "shape", "null_models": 4}
    assert said(*records)[2] == "claim 2/2 p≤0.2 (shape)"


def test_labels_are_read_as_matches():
    assert said(fixed(symbol="label", rate=0.12))[1] == "WM 0.120"


def test_served_and_weights_stand_side_by_side():
    made = fixed(symbol="label", rate=0.12) | {"evidence_bare": {"rate": 0.98}}
    assert said(made)[1:4] == ["WM", "served 0.120", "weights 0.980"]


def test_a_rate_that_is_missing_comes_from_the_counts():
    made = fixed()
    del made["evidence"]["rate"]
    assert said(made)[1] == "BER 0.050"


def test_no_claim_names_the_smallest_p():
    records = [fixed(seed) for seed in range(2)]
    for one, p in zip(records, (0.3, 0.07), strict=True):
        one["verdict"] |= {"claim": False, "p_value": p}
        one["removal"]["outcome"] = "removed"
    assert said(*records)[2:] == ["claim 0/2 p≥0.07", "✗ REMOVED 2/2"]


@pytest.mark.parametrize(
    ("outcome", "text"),
    [("utility-lost", "~ utility lost"), ("never-marked", "! never marked"), ("novel", "novel")],
)
def test_every_outcome_has_words(outcome, text):
    assert said(fixed() | {"removal": {"outcome": outcome}})[-1] == text


def test_mixed_outcomes_are_counted():
    lost = fixed(1) | {"removal": {"outcome": "removed"}}
    assert said(fixed(0), lost)[-2:] == ["✗ REMOVED 1/2", "✓ survived 1/2"]


def test_unattacked_says_nothing_of_removal():
    assert said(record("uchida", "none")) == ["acc 0.985", "BER 0.000", "claim p=1e-9"]


def test_lower_is_better_has_an_arrow():
    made = fixed()
    made["utility"] |= {"metric": "FID", "higher_is_better": False, "suspect": 34.21}
    assert said(made)[0] == "FID↓ 34.2"


def test_failed_and_missing_are_counted_of_all_seeds():
    assert said(fixed(0), failed("uchida", "prune", 1), missing=("2",))[-2:] == [
        "✗ FAILED 1/3",
        "… not run 1/3",
    ]
    assert said(failed("uchida", "prune")) == ["✗ FAILED 1/1"]
    assert said(missing=("0", "1")) == ["… not run 2/2"]


def test_not_planned_differs_from_not_run():
    assert [line.text for line in cell_lines(None)] == ["not planned"]


def test_failures_name_the_cell_and_the_errors_first_line():
    (grid,) = grids([failed("riga", "prune", 1)])
    assert failures(grid) == ["riga × prune, seed 1: RuntimeError: no layer (stage attacked)"]


def test_thresholds_of_a_row():
    (grid,) = grids([record("uchida")])
    texts = [entry[0].text for entry in thresholds(grid).rows[0]]
    assert texts == [
        *("uchida", "0.600 (96/160)", "0.05", "exact", "8 / 160", "0.500", "0.040 [0.010, 0.080]"),
    ]


def test_thresholds_of_seeds_are_ranges_and_their_intervals_are_joined():
    one, other = record(seed=0), record(seed=1)
    other["verdict"] |= {
        "theta": 0.55,
        "hits_needed": 88,
        "measured_rate": 0.06,
        "measured_interval": [0.02, 0.12],
    }
    (grid,) = grids([one, other])
    texts = [entry[0].text for entry in thresholds(grid).rows[0]]
    assert (texts[1], texts[-1]) == ("0.550–0.600", "0.040–0.060 [0.010, 0.120]")


def test_a_threshold_above_one_says_that_no_claim_is_possible():
    made = record()
    made["verdict"]["theta"] = 161 / 160
    (grid,) = grids([made])
    assert "no claim possible" in thresholds(grid).rows[0][1][0].text


@pytest.mark.parametrize(
    ("attack", "as_much", "told"),
    [
        ("none", (0, 0), "63 stated, 6.6 measured"),
        ("none", (0, 4), "63 stated, 4.3 measured"),
        ("prune", (0, 0), "63 stated"),
    ],
)
def test_what_a_key_is_worth_is_measured_on_networks_that_nobody_attacked(attack, as_much, told):
    made = [record("content", attack, seed=seed) for seed in (0, 1)]
    for one, much in zip(made, as_much, strict=True):
        one["verdict"] |= {"key_bits": 63.0, "decoys": {"n": 99, "as_much": much}}
    (grid,) = grids(made)
    found = thresholds(grid)
    assert found.rows[0][found.header.index("key, bits")][0].text == told


def test_nulls_above_the_stated_rate_are_pointed_out():
    made = record()
    (grid,) = grids([made])
    assert contradicted(grid) == []
    made["verdict"]["measured_interval"] = [0.051, 0.2]
    assert contradicted(grid)[0].startswith("! uchida")


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ({"kind": "relative", "amount": 0.9}, "keeps at least 90 % of the utility"),
        ({"kind": "absolute", "amount": 0.05}, "loses less than 0.05 of utility"),
    ],
)
def test_the_criterion_in_words(criterion, words):
    (grid,) = grids([record() | {"removal": {"outcome": "survived", "criterion": criterion}}])
    assert words in criteria(grid)[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"data": 300, "labels": True, "transfer": 0, "source": "disjoint"},
            "300 labelled samples (disjoint)",
        ),
        ({"data": 0.1, "labels": False}, "a share of 0.1 of the unlabelled samples"),
        ({"data": 0, "transfer": 500}, "no data, 500 transfer samples"),
        ({}, "not recorded"),
    ],
)
def test_what_an_attacker_was_given(given, words):
    assert granted(given) == words


@pytest.mark.parametrize(
    ("p", "relation", "text"),
    [
        (0.214, "=", "p=0.21"),
        (1.4e-9, "≤", "p≤2e-9"),
        (1e-9, "≤", "p≤1e-9"),
        (0.219, "≥", "p≥0.21"),
        (9.96e-7, "=", "p=1e-6"),
        (0.0, "≤", "p<1e-99"),
        (1.0, "=", "p=1"),
    ],
)
def test_p_values_are_rounded_so_that_the_relation_stays_true(p, relation, text):
    assert p_text(p, relation) == text


def test_spans_and_intervals():
    assert span([0.6, 0.6001]) == "0.600"
    assert span([0.6, None, 0.5]) == "0.500–0.600"
    assert span([None]) == "–"
    assert interval_text((0.1, 0.25)) == "[0.100, 0.250]"


def test_plain_text_fall_back():
    assert to_ascii("✓ survived ±0.1 p≤1 θ") == "+ survived +-0.1 p<=1 theta"


def test_the_highest_rate_at_any_epoch_has_a_column_where_it_was_asked_for():
    plain, asked = record(seed=0), record(seed=1)
    asked["verdict"] |= {"vanilla_maximum": 0.125}
    (grid,) = grids([plain])
    assert "highest at any epoch" not in thresholds(grid).header
    (grid,) = grids([plain, asked])
    assert thresholds(grid).header[-1] == "highest at any epoch"
    assert thresholds(grid).rows[0][-1][0].text == "0.125"
