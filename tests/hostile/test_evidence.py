"""Evidence: private, written without losing the verdict, and read without waiting for or following anything."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from tests.hostile.timed import within

from ownmark.cli import main
from ownmark.errors import OwnmarkError, Unwritable
from ownmark.ownership import embed, evidence, judge, proof
from ownmark.ownership.sums import write_sums
from ownmark.ownership.telling import told

BLACK = """
tasks: [{dataset: digits, host: {convnet: {width: 0.5, recipe: {epochs: 3}}}}]
schemes: [{content: {keys: 20}}]
verdict: {rate: 0.05, null_models: 2, keys: 5, decoys: 39}
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a mark that answers are read for, and evidence of the released network."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "plan.yaml").write_text(BLACK)
    embed(folder / "plan.yaml", folder / "mark", device="cpu")
    evidence(folder / "mark", folder / "mark" / "released", folder / "proof", device="cpu")
    return folder


def modes(folder: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("umask", [0o022, 0o000], ids=oct)
def test_evidence_is_its_owners_alone(asked: Path, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        evidence(asked / "mark", asked / "mark" / "released", tmp_path / "proof", device="cpu")
    finally:
        os.umask(before)
    assert modes(tmp_path / "proof") == {"0o700", "0o600"}


@pytest.mark.parametrize("there", ["nothing", "a readable file"])
def test_the_record_of_a_verdict_is_its_owners_alone(mark: Path, tmp_path: Path, there: str) -> None:
    path = tmp_path / "r.json"
    if there != "nothing":
        path.write_text("{}")
    words = ["verify", str(mark), str(mark / "released"), "--device", "cpu", "--out", str(path)]
    for _ in range(2):  # the second finds the same text
        assert CliRunner().invoke(main, words).exit_code == 0
        assert modes(path) == {"0o600"}
        path.chmod(0o644)


def test_a_record_is_written_to_devices_and_through_links_and_never_in_their_place(
    mark: Path, tmp_path: Path
) -> None:
    words = ["verify", str(mark), str(mark / "released"), "--device", "cpu", "--out"]
    main_side, terminal = os.openpty()
    os.set_blocking(main_side, False)
    assert CliRunner().invoke(main, [*words, os.ttyname(terminal)]).exit_code == 0
    assert b'"claim"' in os.read(main_side, 2**20)
    assert stat.S_ISCHR(os.stat(os.ttyname(terminal)).st_mode)
    (tmp_path / "r.json").symlink_to(tmp_path / "elsewhere.json")
    assert CliRunner().invoke(main, [*words, str(tmp_path / "r.json")]).exit_code == 0
    assert (tmp_path / "r.json").is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_text())["claim"] is True
    os.mkfifo(tmp_path / "pipe")
    done = CliRunner().invoke(main, [*words, str(tmp_path / "pipe")])
    assert (done.exit_code, (tmp_path / "pipe").is_fifo()) == (2, True)
    assert "name a file" in done.output


@pytest.mark.parametrize("into", ["file/proof", "file/more/proof"])
def test_a_wrong_place_is_told_before_anybody_is_asked(asked: Path, tmp_path: Path, into: str) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(Unwritable, match="--into"):
        evidence(asked / "mark", lambda x: pytest.fail("it was asked"), tmp_path / into, device="cpu")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=errno.errorcode.get)
def test_a_verdict_is_told_even_if_its_evidence_cannot_be_written(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(_: Path) -> None:
        raise OSError(code, "the disk says no")

    monkeypatch.setattr(proof, "write_sums", full)
    done = CliRunner().invoke(
        main,
        ["evidence", str(asked / "mark"), str(asked / "mark" / "released"), "--device", "cpu", "--into",
         str(tmp_path / "proof")],
    )  # fmt: skip
    assert done.exit_code == 2
    assert "CLAIM: ownership" in done.output
    assert "cannot be written (the disk says no)" in done.output
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    "answer", [5, [], [[]], [1, [2]], None, "x", torch.zeros(3, 4, 5), torch.zeros(0), {"a": 1}], ids=repr
)
def test_what_is_no_answer_is_undecided_here_too(asked: Path, tmp_path: Path, answer: Any) -> None:
    record = evidence(asked / "mark", lambda x: answer, tmp_path / "proof", device="cpu")
    assert record["claim"] is None
    with pytest.raises(OwnmarkError):  # nothing was said that could be judged
        judge(tmp_path / "proof")


# --- what a judge is given --------------------------------------------------------------------------------------------


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "more")


def pipe_for_file(folder: Path) -> None:
    (folder / "index.html").unlink()
    os.mkfifo(folder / "index.html")


def pipe_for_sums(folder: Path) -> None:
    (folder / "sums.json").unlink()
    os.mkfifo(folder / "sums.json")


def linked_file(folder: Path) -> None:
    (folder / "verdict.json").rename(folder.parent / "verdict.json")
    (folder / "verdict.json").symlink_to("../verdict.json")


def linked_folder(folder: Path) -> None:
    (folder / "released").rename(folder.parent / "elsewhere")
    (folder / "released").symlink_to("../elsewhere")


def linked_device(folder: Path) -> None:
    (folder / "more").symlink_to("/dev/zero")


def linked_sums(folder: Path) -> None:
    (folder / "sums.json").unlink()
    (folder / "sums.json").symlink_to("/dev/zero")


PLACED = [pipe, pipe_for_file, pipe_for_sums, linked_file, linked_folder, linked_device, linked_sums]


@pytest.mark.parametrize("place", PLACED, ids=lambda one: one.__name__)
def test_what_is_no_file_is_neither_waited_for_nor_followed(
    asked: Path, tmp_path: Path, place: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(asked / "proof", tmp_path / "proof"))
    place(folder)
    with within(120), pytest.raises(OwnmarkError):
        judge(folder)


VERDICTS: dict[str, Any] = {
    "deep": "[" * 100_000, "a list": [], "nothing": {}, "no reader": {"reader": None}, "a number": {"judged_at": "x"},
    "a rate": {"judged_at": 7.0}, "no rate": {"judged_at": float("nan")}, "no suspect": {"suspect": {}},
    "access": {"access": "none"}, "allowed": {"allowed": -1}, "allowed much": {"allowed": 1e308}, "text": "x",
    "another reader": {"reader": "x"}, "half": "{",
}  # fmt: skip


@pytest.mark.parametrize("says", VERDICTS.values(), ids=VERDICTS)
def test_a_verdict_that_is_none_is_a_sentence(asked: Path, tmp_path: Path, says: Any) -> None:
    folder = Path(shutil.copytree(asked / "proof", tmp_path / "proof"))
    path = folder / "verdict.json"
    if isinstance(says, dict) and says:
        says = json.loads(path.read_text()) | says
    path.write_text(says if isinstance(says, str) else json.dumps(says))
    write_sums(folder)
    with pytest.raises(OwnmarkError):
        judge(folder)


TRANSCRIPTS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "no questions": lambda held: held.pop("x"),
    "no answers": lambda held: held.pop("y"),
    "one number": lambda held: held.update(x=torch.tensor(1.0), y=torch.tensor(1)),
    "whole questions": lambda held: held.update(x=held["x"].long()),
    "fractions of labels": lambda held: held.update(y=held["y"].float()),
    "fewer answers": lambda held: held.update(y=held["y"][:-1].clone()),
    "labels that there are not": lambda held: held.update(y=held["y"] + 10**6),
    "questions of another kind": lambda held: held.update(x=held["x"].double()),
    "nothing": lambda held: held.update(x=torch.zeros(0), y=torch.zeros(0, dtype=torch.int64)),
}


@pytest.mark.parametrize("change", TRANSCRIPTS.values(), ids=TRANSCRIPTS)
def test_a_transcript_that_is_none_is_a_sentence(
    asked: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    folder = Path(shutil.copytree(asked / "proof", tmp_path / "proof"))
    held = load_file(folder / "transcript.safetensors")
    change(held)
    save_file(held, folder / "transcript.safetensors", {"ownmark": "transcript"})
    write_sums(folder)
    with pytest.raises(OwnmarkError):
        judge(folder)


@pytest.mark.parametrize("field", ["given", "label"])
def test_a_judge_is_shown_nothing_that_paints(asked: Path, tmp_path: Path, field: str) -> None:
    folder = Path(shutil.copytree(asked / "proof", tmp_path / "proof"))
    name = "verdict.json" if field == "given" else "owner/claim.json"
    about = json.loads((folder / name).read_text())
    about["suspect" if field == "given" else "scheme"][field] = "\x1b[2K\rNO CLAIM"
    (folder / name).write_text(json.dumps(about))
    write_sums(folder)
    lines = list(told(judge(folder)))
    assert all(line.isprintable() for line in lines)
    done = CliRunner().invoke(main, ["judge", str(folder)])
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\r" not in done.output
