"""Embeddings that are interrupted, doubled or fail: nowhere but in the owner's own files does the secret stand."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from ownmark.cli import main
from ownmark.errors import OwnmarkError
from ownmark.ownership import embed, embedding, secrecy
from ownmark.ownership.embedding import secret_in
from ownmark.ownership.secrecy import Secrecy, alone
from ownmark.runner.claims import Claim, Claims
from ownmark.runner.progress import Silent
from ownmark.runner.store import Store

SECRET = 2**61 + 286609095179886840
FORMS = (str(SECRET), f"{SECRET:x}", f"{SECRET:X}", SECRET.to_bytes(8, "big").hex())


def tells(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding.secrets, "randbits", lambda bits: SECRET)


def files(folder: Path) -> Iterator[Path]:
    """All files but the owner's, and what an unfinished embedding keeps to go on from."""
    for path in folder.rglob("*"):
        kept = {"owner", "store"} & set(path.relative_to(folder).parts) or path.name == "secret"
        if path.is_file() and not kept:
            yield path


def told_anywhere(folder: Path) -> list[str]:
    return [str(path) for path in files(folder) if tells(path.read_bytes().decode("utf-8", "replace"))]


def run(folder: Path) -> Any:
    return CliRunner().invoke(
        main, ["embed", str(folder / "plan.yaml"), "--into", str(folder / "mark"), "--device", "cpu"]
    )


class Everything(Silent):
    """Whatever progress is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("plan", "stage", "step", "finished", "cell", "note"):
            return lambda *told: self.said.append(f"{name} {told}")
        return super().__getattribute__(name)


Break = Callable[[int], None]


def interrupt(number: int) -> None:
    if number == 3:
        raise KeyboardInterrupt


def fail(number: int) -> None:
    if number == 2:
        raise OSError(f"no space for seed {SECRET}")


def fail_in_hex(number: int) -> None:
    if number == 2:
        try:
            raise ValueError(f"seed {SECRET:#x}")
        except ValueError as error:
            raise RuntimeError(f"state {SECRET.to_bytes(8, 'big').hex()}") from error


def refuse(number: int) -> None:
    if number == 2:
        raise OwnmarkError(f"not for {SECRET:X} ")


@pytest.mark.parametrize("breaking", [interrupt, fail, fail_in_hex, refuse])
def test_an_embedding_that_breaks_off_says_nothing(
    plan: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    breaking: Break,
    capfd: pytest.CaptureFixture[str],
) -> None:
    plan(tmp_path)
    written: list[str] = []
    write = Store.write

    def breaking_write(self: Any, stage: str, *rest: Any) -> Any:
        written.append(stage)
        breaking(len(written))
        return write(self, stage, *rest)

    monkeypatch.setattr(Store, "write", breaking_write)
    done = run(tmp_path)
    assert done.exit_code not in (0, None)
    assert not tells(done.output)
    written.clear()
    progress = Everything()
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        embed(tmp_path / "plan.yaml", tmp_path / "mark", device="cpu", progress=progress)
    assert not tells("".join(traceback.format_exception(caught.value)))
    assert progress.said
    assert not tells("".join(progress.said))
    assert not tells("".join(capfd.readouterr()))
    assert told_anywhere(tmp_path) == []
    assert (tmp_path / "mark.work").stat().st_mode & 0o077 == 0
    assert (tmp_path / "mark.work" / "secret").stat().st_mode & 0o077 == 0


def test_a_finished_one_leaves_nothing(plan: Any, tmp_path: Path) -> None:
    progress = Everything()
    embed(plan(tmp_path), tmp_path / "mark", device="cpu", progress=progress)
    assert any(line.startswith("finished") for line in progress.said)
    assert not tells("".join(progress.said))
    everything = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert [p for p in everything if tells(p.read_bytes().decode("utf-8", "replace"))] == []
    assert not (tmp_path / "mark.work").exists()


def test_a_second_embedding_is_one_sentence(plan: Any, tmp_path: Path) -> None:
    plan(tmp_path)
    with alone(tmp_path / "mark.work"):
        done = run(tmp_path)
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert "another embedding is at work" in done.output
    assert not (tmp_path / "mark").exists()
    with FileLock(tmp_path / "mark.work" / "lock"):
        assert run(tmp_path).exit_code == 2
    assert run(tmp_path).exit_code == 0


@pytest.mark.parametrize("step", ["chmod", "lock"])
def test_a_folder_that_who_held_it_takes_away_meanwhile_is_made_again(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, taken = tmp_path / "mark.work", []

    def gone(whole: Any) -> Any:
        def first(*given: Any, **options: Any) -> Any:
            if not taken:
                taken.append(work.rmdir())  # type: ignore[func-returns-value]
            return whole(*given, **options)

        return first

    place, name = (Path, "chmod") if step == "chmod" else (secrecy, "FileLock")
    monkeypatch.setattr(place, name, gone(getattr(place, name)))
    with alone(work):
        assert taken
        assert (work / "lock").exists()


@pytest.mark.parametrize("made", ["", "owner"], ids=["by hand", "not a mark"])
def test_work_stays_beside_a_folder_that_did_not_come_of_it(made: str, tmp_path: Path) -> None:
    with alone(tmp_path / "mark.work"):
        secret = secret_in(tmp_path / "mark.work" / "secret")
    (tmp_path / "mark" / made).mkdir(parents=True)
    with (
        pytest.raises(OwnmarkError, match="exists already"),
        secrecy.working(tmp_path / "mark", "owner/claim.json"),
    ):
        pass
    assert secret_in(tmp_path / "mark.work" / "secret") == secret


def test_a_users_own_folder_beside_a_mark_stays(tmp_path: Path) -> None:
    for path in ("mark/owner/claim.json", "mark.work/thesis.txt"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("{}")
    with (
        pytest.raises(OwnmarkError, match="exists already"),
        secrecy.working(tmp_path / "mark", "owner/claim.json"),
    ):
        pass
    assert [path.name for path in (tmp_path / "mark.work").iterdir()] == ["thesis.txt"]


def test_waiting_for_another_is_told_without_the_seed(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, asked = Claims.take, list[Path]()

    def taken_at_first(self: Claims, entry: Path, label: str) -> Claim | None:
        asked.append(entry)
        return take(self, entry, label) if asked.count(entry) > 1 else None

    monkeypatch.setattr(Claims, "take", taken_at_first)
    progress = Everything()
    embed(plan(tmp_path), tmp_path / "mark", device="cpu", progress=progress)
    notes = [line for line in progress.said if line.startswith("note")]
    assert any("(secret seed)" in note for note in notes)
    assert not tells("".join(progress.said))


@pytest.mark.parametrize("content", ["", f"{SECRET}\nx", f"{SECRET}0000", "-1", f"0x{SECRET:x}"])
def test_a_damaged_secret_is_a_sentence_that_does_not_say_it(plan: Any, tmp_path: Path, content: str) -> None:
    plan(tmp_path)
    (tmp_path / "mark.work").mkdir()
    (tmp_path / "mark.work" / "secret").write_text(content)
    done = run(tmp_path)
    assert done.exit_code == 2, done.output
    assert "is damaged" in done.output
    assert not tells(done.output)


def test_a_work_folder_that_lies_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "mark.work").mkdir(mode=0o777)
    (tmp_path / "mark.work").chmod(0o777)
    with alone(tmp_path / "mark.work"):
        assert (tmp_path / "mark.work").stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_the_work_folder_is_a_sentence(plan: Any, tmp_path: Path) -> None:
    plan(tmp_path)
    (tmp_path / "mark.work").write_text("x")
    done = run(tmp_path)
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output


def test_every_form_of_the_secret_is_hidden() -> None:
    hide = Secrecy(SECRET).hide
    for form in (*FORMS, f"0x{SECRET:x}", f"seed {SECRET}", f"a{SECRET}b", "f" * 64):
        assert not tells(hide(form))
        assert "(secret" in hide(form)
    assert hide("host digits/convnet null 3 of 1000000") == "host digits/convnet null 3 of 1000000"
