"""docs/suspects.md has a table of suspects and what is said of each: every cell is computed here.

After a change that means to change cells, `table(tmp_path, marks)` gives what the page should hold.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.suspects.answering import LIVE, NAMES
from tests.suspects.files import FILES
from tests.suspects.servers import SERVERS, serving
from torch import nn

from ownmark.api import Mark
from ownmark.errors import OwnmarkError
from ownmark.ownership import Service

PAGE = Path(__file__).parents[2] / "docs" / "suspects.md"
CORE = {"safetensors", "a module in train mode", "a function: labels", "with a head for 4 classes", "nothing"}
"""Rows of every test run; the others start a reader or a server each and run with the slow tests."""


def rows_of(page: str) -> dict[str, tuple[str, str]]:
    """Suspect -> what the mark in the answers and the mark in the weights say of it."""
    table = page.partition("| suspect | adi")[2].partition("\n\n")[0]
    cells = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in table.splitlines()[2:]]
    return {row[0].strip(): (row[1].strip(), row[2].strip()) for row in cells}


def cell(mark: Mark, suspect: Any, folder: Path, **options: Any) -> str:
    """`CLAIM`, `no claim: why`, `undecided: why`, or the sentence of the refusal."""
    try:
        record = mark.verify(suspect, **options)
    except OwnmarkError as error:
        return _plain(f"refused: {error}", folder)
    if record["claim"]:
        return "**CLAIM**"
    if record["claim"] is None:
        return _plain(f"undecided: {record['error']}", folder)
    return _plain(f"no claim: {record['reason'] or 'too few symbols match'}", folder)


def _plain(text: str, folder: Path) -> str:
    """The first clause in one line, files by their names."""
    text = re.sub(rf"{re.escape(str(folder))}/?", "", " ".join(text.split()))
    text = re.sub(rf"\((?:{'|'.join(NAMES)})\)", "(seven, say)", text)  # of the image that came first
    text = re.sub(r"http://127\.0\.0\.1:\d+/?", "the service", text)
    return re.split(r"[;.] ", text)[0].replace("|", "\\|")


@contextmanager
def suspect_called(name: str, net: nn.Module, folder: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    if name in FILES:
        yield FILES[name](net.eval(), folder), {}
    elif name in LIVE:
        make, options = LIVE[name]
        yield make(net), options
    else:
        answer, options = SERVERS[name]
        with serving(answer, net.eval()) as url:
            yield Service(url, **options), {}


def said_of(name: str, marks: dict[str, Mark], folder: Path) -> tuple[str, str]:
    found = []
    for scheme in ("adi", "uchida"):
        place = folder / scheme
        place.mkdir(parents=True)
        with suspect_called(name, copy.deepcopy(marks[scheme].released), place) as (suspect, options):
            found.append(cell(marks[scheme], suspect, place, **options))
    return found[0], found[1]


def table(folder: Path, marks: dict[str, Mark]) -> str:
    """The table as the page should hold it."""
    lines = ["| suspect | adi, asked | uchida, read from weights |", "|---|---|---|"]
    for number, name in enumerate(suspects()):
        lines.append(f"| {name} | {' | '.join(said_of(name, marks, folder / str(number)))} |")
    return "\n".join(lines)


def suspects() -> list[str]:
    return [*FILES, *LIVE, *SERVERS]


def test_the_page_has_a_row_for_every_suspect_and_no_other() -> None:
    assert list(rows_of(PAGE.read_text(encoding="utf-8"))) == suspects()
    assert len(FILES) >= 17
    assert len(LIVE) + len(SERVERS) >= 12
    assert len(NAMES) == 10


@pytest.mark.parametrize(
    "name", [name if name in CORE else pytest.param(name, marks=pytest.mark.slow) for name in suspects()]
)
def test_every_cell_is_what_is_said(name: str, marks: dict[str, Mark], tmp_path: Path) -> None:
    assert said_of(name, marks, tmp_path) == rows_of(PAGE.read_text(encoding="utf-8"))[name]


def test_a_row_that_is_wrong_is_noticed() -> None:
    page = "| suspect | adi, asked | uchida, read from weights |\n|---|---|---|\n| a \\| b | **CLAIM** | no |\n\nmore"
    assert rows_of(page) == {"a \\| b": ("**CLAIM**", "no")}
