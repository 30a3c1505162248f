"""The terminal's table."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.report.fakes import quickstart, record

from ownmark.report import matrix
from ownmark.report.aggregate import grids
from ownmark.report.reported import reported_table


def rendered(records, plan=None, width=100, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(matrix(records, plan))
    return file.buffer.getvalue().decode(encoding)


def test_quickstart_fits_100_columns_in_one_table_without_colour():
    text = rendered(*quickstart())
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("│ scheme") == 1
    for words in (
        "✗ FAILED 1/3",
        "… not run 1/3",
        "✗ REMOVED 3/3",
        "riga × finetune, seed 1: RuntimeError: no layer",
    ):
        assert words in text
    assert "second line" not in text


def test_no_word_is_cut_at_100_columns():
    text = rendered(*quickstart())
    assert text.count("claim 3/3 p≤1e-9") + text.count("claim 2/2 p≤1e-9") == 12
    assert "0.040 [0.010, 0.080]" in text


@pytest.mark.parametrize("width", [70, 80])
def test_a_narrow_window_leaves_out_what_the_report_has_too(width):
    text = rendered(*quickstart(), width=width)
    below = text[text.index("How claims are decided") :]
    table = below[: below.index("An attack counts")]
    assert "see report.html: " in table
    assert not [line for line in table.splitlines() if line.startswith(" ")], "an entry goes over two lines"
    assert "null mean" in rendered(*quickstart(), width=200)


def test_more_attacks_than_fit_go_below():
    text = rendered(*quickstart(), width=60)
    assert text.count("│ scheme") == 2
    assert max(map(len, text.splitlines())) <= 60


def test_plain_terminals_get_ascii():
    text = rendered(*quickstart(), encoding="ascii")
    assert "x REMOVED 3/3" in text
    assert "?" not in text


def test_reported_values_stand_beside_ours():
    made = record() | {
        "reported": [{"value": 0.99, "metric": "evidence", "dataset": "cifar10", "host": "resnet"}]
    }
    text = rendered([made])
    assert "reported" in text
    assert "BER 0.010" in text
    assert "on cifar10/resnet" in text
    assert "reported" not in rendered([record()])


def test_a_reported_theta_stands_beside_ours():
    made = record() | {
        "reported": [{"value": 0.123, "metric": "theta", "dataset": "mnist", "host": "lenet5"}]
    }
    text = rendered([made])
    assert "θ 0.123" in text


def test_what_stands_below():
    text = rendered(*quickstart())
    for words in (
        "stated false-positive rate 0.05",
        "8 / 160",
        "at least 90 % of the utility",
        "300 labelled samples",
    ):
        assert words in " ".join(text.split())


@pytest.mark.parametrize("records", [[], [{"cell": {}}]], ids=["no records", "an empty cell"])
def test_hardly_anything_is_no_crash(records):
    assert rendered(records).strip()


def test_reported_removals_and_forged_claims_stand_beside_ours():
    reported = [{"value": 0.0, "metric": name, "where": "Table I"} for name in ("removed", "forged_claim")]
    cells = [record("uchida", "prune", seed) for seed in range(4)]
    for seed, one in enumerate(cells):
        one |= {
            "reported": reported,
            "exhibits": {"forged_claim": float(seed > 0), "forged_hits": 6, "forged_n": 8},
        }
        one["removal"]["outcome"] = "removed" if seed == 3 else "survived"
    (grid,) = grids(cells)
    rows = [tuple(lines[0].text for lines in row[1:5]) for row in reported_table(grid).rows]
    assert [row[:3] for row in rows] == [("prune", "removed", "0.000"), ("prune", "forged_claim", "0.000")]
    assert [row[3].split()[0] for row in rows] == ["0.250", "0.750"]
    assert "forger 0.750, claim 3/4" in rendered(cells)
