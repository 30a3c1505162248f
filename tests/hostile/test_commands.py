"""At the level of commands: verdicts are kept, nobody ends the program, a full disk is a sentence."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ownmark.builtin.datasets.digits import Digits
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.cli import main
from ownmark.runner import session, store

PLAN = """
tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [{uchida: {bits: 8}}]
verdict: {null_models: 1, keys: 2}
"""


def command(*words: object) -> Result:
    done = CliRunner().invoke(main, [*map(str, words), "--device", "cpu"])
    assert "Traceback" not in done.output
    return done


def full(code: int) -> Callable[..., None]:
    def write(path: Path, text: str, **_: Any) -> None:
        raise OSError(code, "the disk says no")

    return write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
def test_a_verdict_is_told_even_if_its_record_cannot_be_written(
    mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(store, "write_text", full(code))
    done = command("verify", mark, mark / "released", "--out", tmp_path / "r.json")
    assert done.exit_code == 2
    assert "CLAIM" in done.output
    assert "r.json: cannot be written (the disk says no)" in done.output
    assert ("make room" in done.output) is (code == errno.ENOSPC)


@pytest.mark.parametrize("out", ["nowhere-to-be/made\x00/r.json", "file/r.json"])
def test_a_wrong_out_is_told_before_anybody_is_asked(
    mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "file").write_text("a file")
    done = command("verify", mark, mark / "released", "--out", tmp_path / out)
    assert done.exit_code == 2
    assert "CLAIM" not in done.output


@pytest.mark.parametrize("code", [0, 1, "bye"])
@pytest.mark.parametrize(
    "where",
    [(Digits, "load"), (Digits, "fingerprint"), (Digits, "check"), (ConvNet, "build"), (ConvNet, "terms")],
    ids=lambda one: f"{one[0].__name__}.{one[1]}" if isinstance(one, tuple) else str(one),
)
def test_a_host_or_dataset_that_ends_the_program_does_not(
    where: tuple[type, str], code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(*where, stops)
    (tmp_path / "p.yaml").write_text(PLAN)
    done = command("run", tmp_path / "p.yaml", "--out", tmp_path / "run", "--store", tmp_path / "store")
    assert done.exit_code in (1, 2)
    assert "tried to end the program" in done.output.replace("\n", " ")


@pytest.mark.parametrize("late", ["record", "plan.json"])
def test_a_full_disk_ends_a_run_with_a_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    (tmp_path / "p.yaml").write_text(PLAN)
    words = ("run", tmp_path / "p.yaml", "--out", tmp_path / "run", "--store", tmp_path / "store")
    sound = session.write_text

    def write(path: Path, text: str, **_: Any) -> None:
        if (path.name == "plan.json") is (late == "plan.json"):
            full(errno.ENOSPC)(path, text)
        sound(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(session, "write_text", write)
        done = command(*words)
    assert done.exit_code == 2
    said = done.output.replace("\n", " ")
    assert "make room" in said
    assert str(tmp_path / "run") in said
    stored = len(list((tmp_path / "store").glob("*/*/*/manifest.json")))
    assert command(*words).exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    assert len({line["digest"] for line in lines}) == len(lines)
    assert stored == (0 if late == "plan.json" else len(lines))


def a_link(path: Path) -> None:
    path.symlink_to(path.parents[1] / "theirs")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("place", [a_link, a_pipe, Path.mkdir], ids=["link", "pipe", "folder"])
def test_a_journal_is_a_file_of_its_run(tmp_path: Path, place: Callable[[Path], None]) -> None:
    (tmp_path / "p.yaml").write_text(PLAN)
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "run").mkdir()
    place(tmp_path / "run" / "journal.jsonl")
    done = command("run", tmp_path / "p.yaml", "--out", tmp_path / "run", "--store", tmp_path / "store")
    assert done.exit_code == 2
    assert "journal.jsonl" in done.output.replace("\n", "")
    assert (tmp_path / "theirs").read_text() == "theirs"


@pytest.mark.parametrize(
    "address", ["ftp://me:geheim77@127.0.0.1:1/s", "nonsense://me:geheim77@h/s", "memory://me:geheim77@h/s"]
)
def test_the_password_of_a_store_is_not_shown_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("OWNMARK_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "p.yaml").write_text(PLAN)
    done = command("run", tmp_path / "p.yaml", "--out", tmp_path / "run", "--store", address)
    assert done.exit_code == (0 if address.startswith("memory") else 2), done.output
    assert "geheim77" not in done.output.replace("\n", "")
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or b"geheim77" not in path.read_bytes()
