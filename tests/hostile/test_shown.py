"""Texts of packs, labels of records, names of stages: shown as they are written, and never obeyed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from click.testing import CliRunner
from pydantic import Field
from rich.console import Console
from tests.report.fakes import cell, record

from ownmark import discovery
from ownmark.cli import main
from ownmark.config import configuration
from ownmark.discovery import discover
from ownmark.discovery.problems import Pack, Problem
from ownmark.methods import Declaration, Kind, Paper
from ownmark.report import matrix
from ownmark.runner.progress import Terminal

TEXTS = {
    "erases a line": "\x1b[2K\rCLAIM: yours", "bold": "[bold red]x[/bold red]", "a link": "[link=http://evil]y[/link]",
    "closes nothing": "[/]z", "another closing": "[/bold]", "right to left": "\u202ew", "a hyperlink": "\x1b]8;;http://e\x07v",
    "an emoji": ":skull:", "a style": "[@click=app.bell]u[/]",
}  # fmt: skip
each_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


@configuration
class Trap:
    """Parameters of a pack."""

    layer: str = Field(default="\x1b[2J[/]", description="\x1b[31mred[/bold]")


def require_harmless(output: str, text: str) -> None:
    """Nothing steers the terminal, and what was written can be read."""
    assert not set("\x1b\r\x07\u202e") & set(output)
    literal = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    assert literal in output.replace("\n", "") or literal in " ".join(output.split())


@each_text
@pytest.mark.parametrize("words", [["list"], ["show", "trap"], ["plugins"]], ids=" ".join)
def test_a_pack_cannot_paint(words: list[str], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = Declaration(
        id="trap", kind=Kind.ATTACK, target="nowhere:Trap", summary=text, threat_model=text, deviations=(text,),
        config=f"{__name__}:Trap", paper=Paper(title=text, authors="a", year=2020, venue="v", url=text),
        distribution=f"acme {text}",
    )  # fmt: skip
    found = discover()
    problem = Problem("acme", text, "e", text)
    pack = Pack("acme", text, ("e",), 1, (problem,))
    changed = replace(
        found, methods=(*found.methods, method), packs=(*found.packs, pack), problems=(problem,)
    )
    monkeypatch.setattr(discovery, "discover", lambda *_: changed)
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (0, 1), done.output
    require_harmless(done.output, text)


@each_text
@pytest.mark.parametrize("part", ["task", "scheme", "attack"])
def test_a_label_cannot_paint(part: str, text: str) -> None:
    made = record(attack="prune")
    about = cell("uchida", "prune")
    about[part] = f"digits/{text}" if part == "task" else {**about[part], "label": text}
    made["cell"] = about
    console = Console(width=240, file=io.StringIO(), record=True)
    console.print(matrix([made]))
    require_harmless(console.export_text(), text)


@each_text
@pytest.mark.parametrize("terminal", [False, True])
def test_progress_cannot_paint(text: str, terminal: bool) -> None:
    console = Console(width=240, file=io.StringIO(), force_terminal=terminal, color_system=None)
    made = record()
    made["cell"]["scheme"]["label"] = text
    told = Terminal(console)
    told.stage("host", text)
    told.finished("d", "host", 1.0)
    told.note(text)
    told.running([text])
    told.cell(made)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    require_harmless(output, text)


@pytest.mark.parametrize("message", ["", "\n", "\x1b[2J", "[/]"])
@pytest.mark.parametrize("status", ["failed", "n/a", "unreadable"])
def test_a_reason_may_be_anything(message: str, status: str) -> None:
    made = record()
    if status == "unreadable":
        made["evidence"]["unreadable"] = message
    else:
        made |= {"status": status, "error": {"message": message}, "reason": {"message": message}}
    console = Console(width=240, file=io.StringIO())
    Terminal(console).cell(made)
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
