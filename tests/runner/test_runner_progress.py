"""What the user sees: plain lines without a terminal, a live line with an estimate on one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ownmark.runner.progress import Estimate, Terminal, duration, outcome

RECORD: dict[str, Any] = {
    "status": "ok",
    "cell": {
        "task": "digits/convnet",
        "scheme": {"label": "[signs]"},
        "attack": {"label": "prune"},
        "seed": 3,
    },
    "utility": {"metric": "accuracy", "suspect": 0.9871},
    "evidence": {"hits": 7, "n": 8, "symbol": "bit"},
    "verdict": {"claim": True, "p_value": 0.035},
    "removal": {"outcome": "survived"},
}
FAILED = {**RECORD, "status": "failed", "error": {"message": "no such layer\nmore"}}


def printed(terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    with Terminal(console) as shown:
        shown.plan({"a": "host", "b": "marked"}, 2)
        shown.stage("host", "digits/convnet seed 0")
        shown.step(1, 10)
        if shown._live:
            shown._live.refresh()  # it draws eight times a second, and this is over sooner
        shown.finished("a", "host", 3.21)
        shown.stage("marked", "digits/convnet signs seed 0")
        shown.finished("b", "marked", 0.1)
        shown.note("[refused] a store entry")
        shown.cell(RECORD)
        shown.cell(FAILED)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_without_a_terminal_long_stages_and_all_cells_are_plain_lines() -> None:
    assert printed(terminal=False).splitlines() == [
        "2 cells, 2 stages to compute",
        "  host      digits/convnet seed 0 (3.2 s)",
        "note: [refused] a store entry",
        "[1/2] digits/convnet [signs] prune seed 3: accuracy 0.987, 7/8 bits match, claim (p = 0.035), survived",
        "[2/2] digits/convnet [signs] prune seed 3: FAILED: no such layer",
    ]


def test_a_terminal_shows_the_running_stage_and_the_time_left() -> None:
    text = printed(terminal=True)
    assert "host      digits/convnet seed 0" in text
    assert "0/2 cells" in text
    assert "2/2 cells, about 0 s left" in text
    assert "accuracy 0.987" in text


@pytest.mark.parametrize(
    ("message", "line"), [("no such layer\nmore", "FAILED: no such layer"), ("", "FAILED: error")]
)
def test_a_failed_cell_shows_the_first_line_of_its_error(message: str, line: str) -> None:
    assert outcome({"status": "failed", "error": {"message": message}}) == line


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("KeyError", "KeyError: 'sed'"),
        ("IndexError", "IndexError: 'sed'"),
        ("NotApplicable", "'sed'"),
        ("", "'sed'"),
    ],
)
def test_an_error_of_pythons_own_says_its_type(kind: str, line: str) -> None:
    assert outcome({"status": "failed", "error": {"message": "'sed'", "type": kind}}) == f"FAILED: {line}"


def test_no_claim_is_said_so() -> None:
    assert "no claim (p = 1)" in outcome({**RECORD, "verdict": {"claim": False, "p_value": 1.0}})


@pytest.mark.parametrize(("p", "models"), [(0.2, 4), (0.5, 1)])
def test_a_claim_above_its_rate_says_what_it_rests_on(p: float, models: int) -> None:
    found = {"claim": True, "p_value": p, "stated_rate": 0.05, "basis": "shape", "null_models": models}
    line = outcome({**RECORD, "verdict": found})
    assert f"claim (p = {p}, on the shape of a distribution: {models} null models cannot show 0.05" in line
    assert f"claim (p = {p})" in outcome({**RECORD, "verdict": found | {"stated_rate": 0.5}})


def test_an_estimate_multiplies_what_is_missing_by_what_its_kind_took() -> None:
    estimate = Estimate()
    estimate.start({"a": "host", "b": "host", "c": "marked", "d": "utility"})
    assert estimate.seconds() is None
    estimate.finished("a", "host", 4.0)
    assert estimate.seconds() == 4 * 3, "kinds not seen yet are taken to cost as much as the mean"
    estimate.finished("c", "marked", 10.0)
    assert estimate.seconds() == 4 + 7
    for digest in "bd":
        estimate.finished(digest, "host", 4.0)
    assert estimate.seconds() == 0


def test_nothing_to_do_takes_no_time() -> None:
    assert Estimate().seconds() == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5_000, "83 min"), (12_000, "3 h 20 min")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
