"""Every command: whatever is raised in it, and whenever, is a sentence and an exit code that does not lie."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ownmark.boundary import Commands
from ownmark.cli import main

INNER = {
    "run": (["p.yaml"], "ownmark.runner", "run"),
    "audit": (["p.yaml"], "ownmark.runner", "audit"),
    "embed": (["p.yaml", "--into", "made"], "ownmark.ownership", "embed"),
    "attack": (["here", "prune", "--into", "made"], "ownmark.ownership", "attack"),
    "verify": (["here", "s.pt"], "ownmark.ownership", "verify"),
    "commit": (["p.yaml", "--into", "made"], "ownmark.ownership", "commit"),
    "evidence": (["here", "s.pt", "--into", "made"], "ownmark.ownership.proof", "gathered"),
    "judge": (["here"], "ownmark.ownership", "judge"),
    "list": ([], "ownmark.discovery", "discover"),
    "show": (["prune"], "ownmark.discovery", "discover"),
    "plugins": ([], "ownmark.discovery", "discover"),
    "check": (["prune"], "ownmark.testing", "check_rows"),
    "new": (["acme-marks"], "ownmark.newpack", "create_pack"),
    "report": (["here"], "ownmark.report", "write_report"),
    "status": (["here"], "ownmark.runner.status", "status"),
    "why": (["abc", "--plan", "p.yaml"], "ownmark.runner.why", "why"),
    "trace": (["here", "s.pt"], "ownmark.ownership.tracing", "trace"),
    "add-reader": (["here", "align"], "ownmark.ownership", "add_reader"),
    "recommend": ([], "ownmark.discovery", "discover"),
    "store list": (["--store", "here"], "ownmark.runner.keeping", "entries"),
    "store size": (["--store", "here"], "ownmark.runner.keeping", "entries"),
    "store verify": (["--store", "here"], "ownmark.runner.keeping", "damaged"),
    "store prune": (["--keep", "p.yaml", "--store", "here"], "ownmark.runner.keeping", "unneeded"),
}
"""Arguments of each command, and the function that does its work."""


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield from commands(command, f"{name} ") if isinstance(command, click.Group) else [before + name]


def test_the_table_has_every_command() -> None:
    assert sorted(INNER) == sorted(commands(main))


@pytest.mark.parametrize("command", INNER)
@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (click.Abort(), 130), (RuntimeError("bug"), 2), (SystemExit(0), 2),
     (SystemExit(1), 2), (OSError(28, "No space left"), 2), (BrokenPipeError(32, "Broken pipe"), 2),
     (MemoryError(), 2), (GeneratorExit(), 2), (EOFError(), 130)],
    ids=repr,
)  # fmt: skip
def test_what_is_raised_in_a_command(
    command: str, error: BaseException, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, module, name = INNER[command]
    raised = []

    def breaks(*_: Any, **__: Any) -> None:
        raised.append(error)
        raise error

    monkeypatch.chdir(tmp_path)
    for held in ("owner", "records"):
        (tmp_path / "here" / held).mkdir(parents=True)
    monkeypatch.setattr(importlib.import_module(module), name, breaks)
    monkeypatch.setattr(
        "ownmark.cli.keeping._session", lambda *_: SimpleNamespace(graph=lambda: SimpleNamespace(nodes={}))
    )
    done = CliRunner().invoke(main, [*command.split(), *words])
    assert raised, done.output
    assert done.exit_code == code, done.output
    assert done.output.strip()
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError("x"), 2), (OSError(5, "I/O"), 2)], ids=repr
)
@pytest.mark.parametrize("words", [["--help"], ["list"], ["--pack", "."]], ids=" ".join)
def test_what_is_raised_before_a_command_begins(
    words: list[str], error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Commands, "make_context", breaks)
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "Traceback" in done.output) == (code, False), done.output


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["verify"], ["--nonsense"], ["attack", "--seed", "x"], ["store", "prune"], ["list", "x"],
     ["audit", "p", "--keys", "0"], ["run", "p", "--workers", "2", "--cluster", "x"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_words_are_2(words: list[str]) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "Usage:" in done.output or "Error" in done.output


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "1.1", "1e308"])
def test_a_loss_that_is_none_is_no_limit(value: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["embed", "p.yaml", "--into", str(tmp_path / "x"), f"--max-loss={value}"])
    assert done.exit_code == 2
    assert "max-loss" in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    "words", [["list"], ["--help"], ["--version"], ["show", "prune"], ["plugins"]], ids=" ".join
)
def test_output_that_goes_nowhere_is_no_success(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from ownmark.cli import main; main()", *words], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_the_console_passes_a_broken_pipe_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def unheard() -> None:
        try:
            raise BrokenPipeError(32, "Broken pipe")
        except BrokenPipeError:
            raise SystemExit(1)  # noqa: B904  (as rich does)

    monkeypatch.setattr("ownmark.cli.methods._everything_called", lambda _: unheard())
    done = CliRunner().invoke(main, ["show", "prune"])
    assert (done.exit_code, done.output) == (2, "error: nobody reads the output any more\n")
