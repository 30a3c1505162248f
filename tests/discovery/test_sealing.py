"""What is noted while a method works is the method's own doing, in whatever thread it does it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ownmark.discovery.sealing import Reached, asked_for, sealed
from ownmark.runner.claims import Claims


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@contextmanager
def busy(path: Path) -> Iterator[threading.Event]:
    """A thread that opens a file again and again."""
    over, opened = threading.Event(), threading.Event()

    def work() -> None:
        while not over.wait(0.001):
            path.write_text("x")
            opened.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield opened
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("where", [lambda work: work(), in_a_thread], ids=["here", "in its own thread"])
def test_a_file_that_the_method_opens_is_noted(
    where: Callable[[Callable[[], object]], None], tmp_path: Path
) -> None:
    with sealed("a scheme") as seal:
        where(lambda: (tmp_path / "secret").write_text("x"))
    assert seal.reached == [f"opens {str(tmp_path / 'secret')!r}"]


def test_a_file_that_others_open_meanwhile_is_not(tmp_path: Path) -> None:
    with busy(tmp_path / "log") as opened, sealed("a scheme") as seal:
        opened.clear()
        assert opened.wait(10)
    assert seal.reached == []


def test_a_claim_that_beats_is_not_the_methods_doing(tmp_path: Path) -> None:
    claim = Claims(expiry=0.5).take(tmp_path / "marked" / "ab" / ("ab" * 32), "x")
    assert claim is not None
    with claim, sealed("a scheme") as seal:
        before = (claim.folder / "beat").stat().st_mtime_ns
        for _ in range(100):
            threading.Event().wait(0.05)
            if (claim.folder / "beat").stat().st_mtime_ns != before:
                break
        else:
            raise AssertionError("it does not beat")
    assert seal.reached == []


@pytest.mark.parametrize("strict", [True, False])
def test_who_asks_for_the_catalogue_is_told_apart_too(strict: bool) -> None:
    ask, asked = threading.Event(), threading.Event()

    def somebody_else() -> None:
        ask.wait(10)
        asked_for("the catalogue")
        asked.set()

    thread = threading.Thread(target=somebody_else)
    thread.start()
    with sealed("a scheme", strict) as seal:
        ask.set()
        assert asked.wait(10), "nothing was raised there"
        assert seal.reached == []
        if strict:
            with pytest.raises(Reached, match="a scheme asks for a dataset"):
                asked_for("a dataset")
        else:
            asked_for("a dataset")
    thread.join()
    assert seal.reached == ["asks for a dataset"]


@pytest.mark.parametrize(
    ("file", "noted"),
    [("matplotlib/rc", False), ("pytorch_lightning/version.info", False), ("sklearn/digits.csv", True)],
)
def test_libraries_that_are_links_are_libraries(
    file: str, noted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some tools keep each library in a place of its own and link it into the environment."""
    kept, installed = tmp_path / "kept" / file, tmp_path / "env" / "site-packages"
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    installed.mkdir(parents=True)
    (installed / kept.parent.name).symlink_to(kept.parent)
    monkeypatch.syspath_prepend(str(installed))
    with sealed("scheme x/y") as seal:
        (installed / file).read_text()
    assert bool(seal.reached) is noted


def test_where_python_can_write_temporary_files_is_found_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries folders out with a file, at the first question in a process."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    with sealed("a scheme") as seal:
        tempfile.gettempdir()
    assert seal.reached == []
