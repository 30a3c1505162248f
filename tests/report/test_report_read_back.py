"""Whatever records hold, every file of a report is read back whole by libraries that are not ours."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.report.fakes import cell, failed, method, record, write_run

from ownmark.report import write_report

ODD = {
    "carriage return": "first\rsecond",
    "windows line ends": "first\r\nsecond\r\n",
    "null": "a\x00b",
    "escape sequence": "\x1b[2J\x1b]0;CLAIM\x07",
    "eight-bit control": "\x9b1A",
    "half a surrogate": "x\ud800y",
    "undecodable byte": "x\udcffy",
    "line separator": "a\u2028b\u2029c",
    "right to left": "\u202emialc",
    "astral and unprintable": "\U000e0001\U0001f0a1",
    "very long": "long " * 60_000,
    "markup": "<script>alert(1)</script>|`*[b]$x_{$\\frac{</td>",
    "formula": "=1+1",
    "quotes": "a\"b,c'd;e",
    "only blanks": " \t ",
}
NOT_FINITE = {"inf": float("inf"), "nan": float("nan"), "huge": 10**400}


def records(text: str) -> list[dict[str, Any]]:
    """Decoded messages, labels, exhibit names, error texts: wherever a text of others can stand."""
    parts = {
        "scheme": method("uchida", {"layer": text}, text), "task": text, "dataset": method("digits", {}, text),
        "attack": method("prune", {text: 0.5, "fraction": text}, text),
    }  # fmt: skip
    first = record("uchida", "prune", 0, cell=cell("uchida", "prune", 0) | parts)
    first["exhibits"] = {"decoded": text, text: text, "picture": f"exhibits/{text[:50]}.png", "n": NOT_FINITE}
    first["evidence"]["extras"] = {"message": text, text: 0.5}
    first["measured"] = {text: {"hits": 1, "n": 2, "value": 0.5}}
    first["provenance"]["methods"] = {text: text}
    second = failed("uchida", "none", 1, text)
    second["cell"] |= {part: value for part, value in parts.items() if part != "attack"}
    return [first, second, record("content", "none", 0)]


@pytest.fixture(params=ODD, scope="module")
def text(request: pytest.FixtureRequest) -> str:
    return ODD[request.param]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, text: str) -> Path:
    run = write_run(tmp_path_factory.mktemp("odd"), records(text))
    write_report(run)
    return run


def steers(text: str) -> list[str]:
    return [letter for letter in text if not letter.isprintable() and letter != "\n"]


def test_every_file_is_text_without_control_characters(folder: Path) -> None:
    for name in ("records.jsonl", "results.csv", "report.md", "report.html"):
        assert not steers((folder / name).read_bytes().decode("utf-8", "strict")), name


def test_jsonl_is_strict_and_says_the_same(folder: Path, text: str) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    lines = (folder / "records.jsonl").read_text().splitlines()
    assert len(lines) == 3
    read = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [one for one in read if one["status"] == "ok" and one["exhibits"].get("decoded") == text]
    assert [one for one in read if one["status"] == "failed" and one["error"]["message"] == text]


def test_csv_has_a_row_a_record_and_every_row_is_whole(folder: Path) -> None:
    written = (folder / "results.csv").read_bytes()
    rows = list(csv.reader(io.StringIO(written.decode(), newline="")))
    assert len(rows) == 4
    assert len({len(row) for row in rows}) == 1
    assert written.count(b"\n") == 4
    ids = {row[0] for row in rows[1:]}
    assert ids == {"uchida-prune-0", "uchida-none-1", "content-none-0"}


def test_csv_is_read_by_pandas(folder: Path) -> None:
    table = pytest.importorskip("pandas").read_csv(folder / "results.csv")
    assert len(table) == 3
    assert set(table["status"]) == {"ok", "failed"}
    assert table["cell.seed"].tolist().count(0) == 2


class Page(HTMLParser):
    """Tags that are open, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.said = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def test_html_is_one_tree_without_scripts(folder: Path) -> None:
    page = Page()
    page.feed((folder / "report.html").read_text())
    page.close()
    assert page.open == []
    assert "script" not in page.tags
    assert "cells: 2 finished, 1 failed" in page.said


def test_markdown_tables_keep_their_columns(folder: Path) -> None:
    lines = (folder / "report.md").read_text().split("\n")
    bars = [len(line.replace("\\\\", "").replace("\\|", "").split("|")) for line in lines]
    heads = [at for at, line in enumerate(lines) if line.startswith("| --- ")]
    assert heads
    for at in heads:
        below = bars[at + 1 :]
        rows = below[: next((n for n, count in enumerate(below) if count == 1), len(below))]
        assert set(rows) | {bars[at - 1]} == {bars[at]}


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**400), float("inf"), float("nan"), "1e5", True],
    ids=["huge", "low", "inf", "nan", "text", "true"],
)
def test_numbers_that_are_none_are_left_out(tmp_path: Path, value: Any) -> None:
    odd = record("uchida", "prune")
    for part in ("utility", "evidence", "verdict"):
        odd[part] = dict.fromkeys(odd[part], value)
    write_report(write_run(tmp_path / "run", [odd, record("content", "none")]))
    assert len((tmp_path / "run" / "results.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", [b"\xff.png", b"a b(c).png"])
def test_pictures_of_any_name_are_linked(tmp_path: Path, name: bytes) -> None:
    saved = importlib.import_module("matplotlib.image")
    run = write_run(tmp_path / "run", [])
    path = run / os.fsdecode(name)
    saved.imsave(path, [[0.0, 1.0]], format="png")
    write_run(run, [record("uchida", "prune", exhibits={"picture": path.name})])
    write_report(run)
    assert "%FF.png" in (text := (run / "report.md").read_text()) or "a%20b%28c%29.png" in text
