"""The store: what is there is whole, what is not whole is not there."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark import scratch
from ownmark.errors import UntrustedFile, Unwritable
from ownmark.runner import leftovers
from ownmark.runner import store as store_module
from ownmark.runner.store import Contents, Store, StoredEntry, write_text
from ownmark.scratch import HOST, is_leftover, scratch_of

KEY = "ab" + "0" * 62
CONTENTS = Contents({"a": [1, 2.5, None]}, {"network": {"w": torch.arange(6.0).reshape(2, 3)}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def written(store: Store, key: str = KEY, contents: Contents = CONTENTS) -> StoredEntry:
    return store.write("host", key, contents, {"seed": 0})


def everything(store: Store) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    written(store)
    entry = store.read("host", KEY)
    assert entry.values == {"a": [1, 2.5, None]}
    assert torch.equal(entry.tensors("network")["w"], CONTENTS.tensors["network"]["w"])
    assert entry.has("network")
    assert not entry.has("key")
    assert ("host", KEY) in store


def test_writing_gives_what_reading_gives(store: Store) -> None:
    """Tuples become lists, keys of mappings text, whether computed now or found."""
    now = store.write("host", KEY, Contents({"pair": (1, 2), "by": {1: "x"}}), {})
    assert now.values == store.read("host", KEY).values == {"pair": [1, 2], "by": {"1": "x"}}


def test_the_manifest_says_what_the_entry_was_made_from(store: Store) -> None:
    manifest = json.loads((written(store).path / "manifest.json").read_text())
    assert manifest["about"] == {"seed": 0}
    assert (manifest["stage"], manifest["digest"]) == ("host", KEY)
    assert set(manifest["files"]) == {"values.json", "network.safetensors"}


def test_the_same_digest_in_another_stage_is_another_entry(store: Store) -> None:
    written(store)
    assert ("marked", KEY) not in store


def test_an_entry_under_a_temporary_name_is_invisible(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(scratch: Path, target: Path) -> None:
        assert (scratch / "manifest.json").exists()
        assert ("host", KEY) not in store
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "settle", killed)
    with pytest.raises(KeyboardInterrupt):
        written(store)
    assert ("host", KEY) not in store
    assert everything(store) == []


# --- damage -----------------------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def swap_manifest(entry: Path, **changes: object) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "manifest.json").write_text(json.dumps({**manifest, **changes}))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed weights": (
        lambda e: flip(e / "network.safetensors"),
        "network.safetensors does not match its checksum",
    ),
    "changed values": (
        lambda e: (e / "values.json").write_text("{}"),
        "values.json does not match its checksum",
    ),
    "truncated weights": (lambda e: os.truncate(e / "network.safetensors", 9), "does not match its checksum"),
    "missing weights": (lambda e: (e / "network.safetensors").unlink(), "network.safetensors is missing"),
    "missing values": (lambda e: (e / "values.json").unlink(), "values.json is missing"),
    "empty manifest": (lambda e: (e / "manifest.json").write_text(""), "unreadable store entry"),
    "list for a manifest": (lambda e: (e / "manifest.json").write_text("[]"), "unreadable store entry"),
    "manifest without files": (lambda e: swap_manifest(e, files=None), "unreadable store entry"),
    "manifest that is no text": (
        lambda e: (e / "manifest.json").write_bytes(b"\xff"),
        "unreadable store entry",
    ),
    "other format": (lambda e: swap_manifest(e, format="ownmark store 0"), "written by another version"),
    "another stage's": (lambda e: swap_manifest(e, stage="marked"), "belongs to another stage"),
    "another digest's": (lambda e: swap_manifest(e, digest="cd"), "belongs to another stage"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_entry_is_refused_and_can_be_replaced(how: str, store: Store) -> None:
    damage, words = DAMAGE[how]
    damage(written(store).path)
    with pytest.raises(UntrustedFile, match=words):
        store.read("host", KEY)
    store.discard("host", KEY)
    assert written(store).values == CONTENTS.values


def test_an_entry_without_a_manifest_is_absent_and_gets_replaced(store: Store) -> None:
    (written(store).path / "manifest.json").unlink()
    assert ("host", KEY) not in store
    assert written(store).values == CONTENTS.values


def test_an_absent_entry_is_refused(store: Store) -> None:
    with pytest.raises(UntrustedFile, match="unreadable store entry"):
        store.read("host", KEY)


# --- full disks, several processes, leftovers -------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["tensors", "manifest"])
def test_a_full_disk_leaves_nothing_behind(at: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "write_tensors" if at == "tensors" else "write_text", full)
        with pytest.raises(Unwritable, match="No space left"):
            written(store)
    assert everything(store) == []
    assert ("host", KEY) not in store
    assert written(store).values == CONTENTS.values


def test_a_file_half_written_keeps_its_former_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_second_of_two_writers_takes_the_entry_of_the_first(store: Store) -> None:
    first = written(store)
    second = written(store, contents=Contents({"a": "later"}))
    assert second.values == first.values == CONTENTS.values
    assert [path for path in everything(store) if ".tmp" in path] == []


def _write_often(root: str, barrier: object, count: int) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    for i in range(count):
        Store(Path(root)).write("host", f"{i:064d}", CONTENTS, {})


def test_processes_that_write_the_same_entries_at_once_leave_each_whole(store: Store) -> None:
    context, count = multiprocessing.get_context("fork"), 20
    barrier = context.Barrier(3)
    writers = [context.Process(target=_write_often, args=(str(store.root), barrier, count)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    for i in range(count):
        assert store.read("host", f"{i:064d}").values == CONTENTS.values
    assert not list(store.root.glob("*/*/.tmp-*"))


@pytest.mark.parametrize("ruin", ["folder", "file", "pipe", "link"])
def test_what_is_no_entry_gives_way_and_an_entry_that_came_meanwhile_stays(
    ruin: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = store.path("host", KEY)
    target.parent.mkdir(parents=True)
    if ruin == "folder":
        target.mkdir()
        (target / "values.json").write_text("{}")
    elif ruin == "file":
        target.write_text("")
    elif ruin == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to(store.root / "nowhere")
    move = scratch.moved_aside

    def overtaken(place: Path, *named: Any) -> Path:
        monkeypatch.setattr(scratch, "moved_aside", move)
        written(store, contents=Contents({"a": "the other's"}))
        return move(place, *named)

    monkeypatch.setattr(scratch, "moved_aside", overtaken)
    assert written(store).values == {"a": "the other's"}
    assert [path.name for path in target.parent.iterdir()] == [KEY]


def leftover(store: Store, name: str) -> Path:
    path = store.root / "host" / "ab" / name
    path.mkdir(parents=True)
    (path / "values.json").write_text("{}")
    return path


@pytest.fixture
def dead() -> int:
    """Number that no process of this machine has, today or tomorrow."""
    return 2**22 + 1


def test_what_a_dead_process_left_is_swept_and_nothing_else(store: Store, dead: int) -> None:
    written(store)
    host = HOST
    gone = leftover(store, f".tmp-{dead}-{host}-xyz")
    stays = [
        leftover(store, f".tmp-{os.getpid()}-{host}-xyz"),
        leftover(store, f".tmp-{dead}-elsewhere-xyz"),
        leftover(store, ".tmp-odd"),
    ]
    store.sweep()
    assert not gone.exists()
    assert all(path.exists() for path in stays)
    assert store.read("host", KEY).values == CONTENTS.values


def test_what_another_machine_left_is_swept_after_a_day(store: Store, dead: int) -> None:
    old, new = leftover(store, f".tmp-{dead}-elsewhere-old"), leftover(store, f".tmp-{dead}-elsewhere-new")
    for path in (old / "values.json", old):
        os.utime(path, (0, 0))
    store.sweep()
    assert not old.exists()
    assert new.exists()


def test_the_number_of_a_process_that_another_has_now_keeps_nothing_longer_than_a_day(store: Store) -> None:
    """In a container that is started again, the first process has the same number each time."""
    old, new = (leftover(store, f".tmp-{os.getpid()}-{HOST}-{name}") for name in ("old", "new"))
    for path in (old / "values.json", old, new):
        os.utime(path, (0, 0))
    store.sweep()
    assert not old.exists()
    assert new.exists(), "what lies in it is of today"


def test_what_shows_workers_that_a_store_is_shared_goes_after_a_day(store: Store) -> None:
    old, new = (store.root / f"{leftovers.MARKER}{name}" for name in ("old", "new"))
    store.root.mkdir()
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    store.sweep()
    assert list(store.root.iterdir()) == [new]


def test_sweeping_no_store_is_no_error(tmp_path: Path) -> None:
    Store(tmp_path / "nowhere").sweep()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_a_dead_process_had_set_aside_is_swept_whatever_it_is(
    store: Store, dead: int, kind: str
) -> None:
    written(store)
    aside = store.path("host", KEY).with_name(f".tmp-{dead}-{HOST}-xyz")
    outside = store.root / "outside"
    outside.mkdir()
    if kind == "file":
        aside.write_text("")
    elif kind == "link":
        aside.symlink_to(outside)
    else:
        os.mkfifo(aside)
    store.sweep()
    assert not os.path.lexists(aside)
    assert outside.is_dir()


def test_process_numbers_of_another_namespace_mean_nothing_here(
    store: Store, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers on one host may share its name and the store, and number their processes each for itself."""
    words = set()
    for space in ("pid:[4026531836]", "pid:[4026532245]"):
        monkeypatch.setattr(os, "readlink", lambda _, space=space: space)
        words.add(scratch._here())
    assert len(words) == 2
    assert not any(set(word) & set("-./") for word in words)
    other = next(word for word in sorted(words) if word != HOST)
    theirs = leftover(store, f".tmp-{dead}-{other}-xyz")
    store.sweep()
    assert theirs.exists()


def test_a_file_that_another_process_is_writing_is_no_leftover(tmp_path: Path, dead: int) -> None:
    host = HOST
    expected = {
        scratch_of(tmp_path / "x.json").name: False,
        f"x.json.{dead}-{host}.tmp": True,
        f"x.json.{dead}-elsewhere.tmp": False,
        f"x.json.{dead}-elsewhere_long_ago.tmp": True,
        "x.json.123.tmp": True,
        "notes.tmp": False,
    }
    for name in expected:
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / f"x.json.{dead}-elsewhere_long_ago.tmp", (0, 0))
    assert {name: is_leftover(tmp_path / name) for name in expected} == expected


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
@pytest.mark.parametrize("name", ["manifest.json", "values.json", "network.safetensors"])
def test_an_entry_that_cannot_be_opened_here_is_not_damaged(
    number: int, name: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(store)
    whole = Path.open

    def short(path: Path, *options: Any, **more: Any) -> Any:
        if path.name == name:
            raise OSError(number, os.strerror(number))
        return whole(path, *options, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", short)
        with pytest.raises(Unwritable, match=os.strerror(number)):
            store.read("host", KEY)
    assert store.read("host", KEY).values == CONTENTS.values
