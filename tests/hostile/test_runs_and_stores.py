"""`status`, `why` and `store` on folders of strangers: nothing waits, nobody is asked, nothing is run or painted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.hostile.timed import within

from ownmark.cli import main
from ownmark.runner import status as asking
from ownmark.runner.claims import held, is_dead, owner_of
from ownmark.runner.store import Contents, Store

DIGEST = "ab" * 32


def command(*words: object) -> Result:
    with within(120):
        done = CliRunner().invoke(main, [*map(str, words)])
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert "\x1b" not in done.output
    assert "\r" not in done.output
    return done


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two entries."""
    made = Store(tmp_path / "store")
    for digest in (DIGEST, "cd" * 32):
        about = {"label": "a host", "digest": digest}
        made.write("host", digest, Contents({"value": 1, "cost": {"seconds": 2.0}}), about)
    return tmp_path / "store"


@pytest.fixture
def run(store: Path, tmp_path: Path) -> Callable[..., Path]:
    """A run folder whose outline says what the arguments say."""

    def make(**says: Any) -> Path:
        folder = tmp_path / "runs" / "r"
        folder.mkdir(parents=True)
        outline = {
            "store": str(store), "plan": ["", "p.yaml"], "cells": {"0" * 12: ["a cell", [0]]},
            "stages": [[DIGEST, "host", "a host"], ["ef" * 32, "host", "another"]],
        }  # fmt: skip
        (folder / "outline.json").write_text(json.dumps(outline | says))
        return folder

    return make


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def nonsense(path: Path) -> None:
    path.write_text('{"about": {"label": ["\\u001b[2J"]}, "cost": {"seconds": 1e999}}')


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("name", ["manifest.json", "values.json"])
@pytest.mark.parametrize("damage", [pipe, folder, deep, nonsense, link], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "words", [["store", "list"], ["store", "size"], ["store", "verify"], ["status"]], ids=" ".join
)
def test_a_strange_entry_is_no_reason_to_wait(
    store: Path, run: Callable[..., Path], words: list[str], damage: Callable[[Path], None], name: str
) -> None:
    damage(store / "host" / DIGEST[:2] / DIGEST / name)
    done = command(*words, *([run()] if words == ["status"] else ["--store", store]))
    assert done.exit_code == (1 if words == ["store", "verify"] else 0), done.output


def test_names_of_stages_cannot_paint(store: Path) -> None:
    Store(store).write("host", "12" * 32, Contents({}), {"label": "\x1b[2Jx"})
    (store / "host").rename(store / "\x1b[2K\rho")
    for words in ("list", "size", "verify"):
        assert "\\x1b" in command("store", words, "--store", store).output


# --- claims -----------------------------------------------------------------------------------------------------------

OWNERS: dict[str, Any] = {
    "no date": {"since": "x"}, "long ago": {"since": -1e308}, "infinite": {"since": float("-inf")},
    "no number": {"since": float("nan")}, "a large number": {"since": -(10**400)}, "to come": {"since": 1e308},
    "a place": {"host": "\x1b[2J", "label": "\r\x1b[2K"}, "a process": {"process": 10**30}, "words": {"host": []},
}  # fmt: skip


@pytest.mark.parametrize("says", OWNERS.values(), ids=OWNERS)
def test_what_a_claim_says_of_its_owner_is_not_believed(
    store: Path, run: Callable[..., Path], says: dict[str, Any]
) -> None:
    claim = store / "host" / "ef" / ("ef" * 32 + ".claim-0")
    claim.mkdir(parents=True)
    owner = {"process": 1, "retries": 0, "host": "h", "place": "elsewhere", "since": 0.0, "label": "l"}
    (claim / "owner.json").write_text(json.dumps(owner | says))
    (claim / "beat").write_text("0")
    assert command("status", run()).exit_code == 0


@pytest.mark.parametrize("name", ["owner.json", "beat"])
@pytest.mark.parametrize("damage", [pipe, folder, deep, link], ids=lambda one: one.__name__)
def test_a_strange_claim_is_no_reason_to_wait(
    store: Path, run: Callable[..., Path], name: str, damage: Callable[[Path], None]
) -> None:
    claim = store / "host" / "ef" / ("ef" * 32 + ".claim-0")
    claim.mkdir(parents=True)
    (claim / "owner.json").write_text("{}")
    (claim / "beat").write_text("0")
    damage(claim / name)
    with within(120):
        (found,) = held(store)
        assert owner_of(found.folder) == {}
        assert not is_dead(found.owner)
        assert Store(store).claim("host", "ef" * 32, "mine") is None
    assert command("status", run()).exit_code == 0


# --- outlines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["s3://evil/store", "http://evil/x", "memory://x", "file:///etc"])
def test_nobody_is_asked_because_a_folder_says_so(
    run: Callable[..., Path], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "store_at", lambda _: pytest.fail("it was asked"))
    folder = run(store=address)
    assert "not asked because a folder says so" in command("status", folder).output
    assert command("status", folder, "--store", "s3://another/store").exit_code == 2


def test_a_store_that_is_named_is_asked(
    run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    monkeypatch.setattr(asking, "store_at", lambda address: Store(store))
    assert (
        "host       1/2"
        in command("status", run(store="s3://mine/store"), "--store", "s3://mine/store").output
    )


OUTLINES: dict[str, dict[str, Any]] = {
    "a stage elsewhere": {"stages": [[DIGEST, "../../etc", "x"]]},
    "a digest elsewhere": {"stages": [["../x", "host", "x"]]},
    "a record elsewhere": {"cells": {"../../../etc/passwd": ["x", [0]]}}, "a list": {"cells": []},
    "numbers": {"stages": [[1, 2, 3]]}, "nothing": {"plan": None}, "huge": {"cells": {"0" * 12: ["x", [10**400, "y"]]}},
    "infinite": {"cells": {"0" * 12: ["x", [float("inf")]]}},
}  # fmt: skip


@pytest.mark.parametrize("says", OUTLINES.values(), ids=OUTLINES)
def test_an_outline_that_leads_elsewhere_is_refused(run: Callable[..., Path], says: dict[str, Any]) -> None:
    done = command("status", run(**says))
    assert done.exit_code == 2
    assert "outline.json" in done.output


@pytest.mark.parametrize("damage", [pipe, folder, deep, nonsense, link], ids=lambda one: one.__name__)
def test_a_damaged_outline_is_a_sentence_and_hides_no_other_run(
    run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    folder = run()
    damage(folder / "outline.json")
    assert command("status", folder).exit_code == 2
    monkeypatch.chdir(tmp_path)
    done = command("why", "0" * 12)
    assert done.exit_code == 2
    assert "no run in runs has a cell" in done.output


TASK = "tasks: [{dataset: digits, host: %s}]\nschemes: [{uchida: {bits: 8}}]\n"
CODE = {
    "a host": TASK % "{module: {target: 'planted_why:Make'}}",
    "a callback": TASK % "convnet" + "trainer: {callbacks: ['planted_why:Make']}\n",
    "a dataset": (TASK % "convnet").replace("digits", "{function: {target: 'planted_why:Make'}}"),
}


@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
@pytest.mark.parametrize("kept", ["no file", "another file"])
def test_a_plan_out_of_a_run_folder_is_not_run(
    run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, kept: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "planted_why.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')\n")
    if kept == "another file":
        (tmp_path / "p.yaml").write_text(TASK % "convnet")
    run(plan=[text, "p.yaml"])
    done = command("why", "0" * 12)
    assert done.exit_code == 2
    assert "--plan" in done.output
    assert not (tmp_path / "harm").exists()
    assert "planted_why" not in sys.modules


def test_a_plan_that_is_still_the_users_file_is_used(
    run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "planted_why.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')\n")
    (tmp_path / "p.yaml").write_text(CODE["a callback"])
    run(plan=[CODE["a callback"], "p.yaml"])
    assert "has no attribute 'Make'" in command("why", "0" * 12).output
    assert (tmp_path / "harm").exists()
    sys.modules.pop("planted_why", None)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "released").mkdir()
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert "no run; give a folder that `ownmark run` has written" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["released"]
