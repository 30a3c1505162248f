"""What strangers write is shown escaped and short, wherever it comes from."""

from __future__ import annotations

import pytest

from ownmark.foreign import paragraph, quoted_cell, shown

PAINT = {
    "erase the line": "\x1b[2K\rCLAIM: yours",
    "cursor up, eight-bit": "\x9b1ACLAIM",
    "title of the window": "\x1b]0;root\x07",
    "right to left": "\u202emialc",
    "zero width": "cl\u200baim",
    "half a surrogate": "x\ud800y",
    "line separator": "a\u2028CLAIM",
    "backspaces": "NO CLAIM\b\b\b\b\b\b\b\b",
    "null": "a\x00b",
}


@pytest.mark.parametrize("text", PAINT.values(), ids=PAINT)
def test_nothing_that_steers_a_terminal_is_shown(text: str) -> None:
    for made in (shown(text), paragraph(text)):
        assert made.isprintable()
        assert "\\" in made
        made.encode("utf-8")


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("conv1.weight", "größer als 3 % – ✓", "画像 100", "a\\b"):
        assert shown(text) == paragraph(text) == text


def test_lines_stay_lines_where_several_are_wanted() -> None:
    assert paragraph("a\r\n\tb\nc\x1b[0m") == "a\n    b\nc\\x1b[0m"
    assert shown("a\nb") == "a\\nb"


@pytest.mark.parametrize(
    "value", ["x" * 10**6, b"\xff" * 10**6, ["y"] * 10**6], ids=["text", "bytes", "list"]
)
def test_megabytes_become_a_line(value: object) -> None:
    assert len(shown(value)) < 400
    assert "more characters" in shown(value)
    assert len(paragraph(value)) < 4100


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "\n=1"]
)
def test_a_formula_is_quoted(start: str) -> None:
    assert quoted_cell(start) == f"'{start}"


def test_what_is_no_formula_is_left_alone() -> None:
    for text in ("", "prune(sparsity=0.5)", "1e-3", "{}", "a = b"):
        assert quoted_cell(text) == text
