"""Stores at fsspec addresses: what one machine writes another finds, and nothing half-written is read."""

from __future__ import annotations

import errno
import json
import os
import uuid
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch

from ownmark.errors import OwnmarkError, UntrustedFile, Unwritable
from ownmark.runner.mirrored import MIRROR
from ownmark.runner.store import Contents, Store, store_at

DIGEST = "cd" * 32
CONTENTS = Contents({"name": "a"}, {"network": {"w": torch.arange(6.0)}})


@pytest.fixture(params=["memory", "file"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    place = f"/{uuid.uuid4().hex}" if request.param == "memory" else f"{tmp_path}/remote"
    return f"{request.param}://{place}"


def machine(address: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store as seen from a machine of that name."""
    monkeypatch.setenv(MIRROR, str(tmp_path / name))
    return store_at(address)


def test_another_machine_finds_what_one_has_written(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (machine(address, name, tmp_path, monkeypatch) for name in ("first", "second"))
    first.try_out()
    assert ("host", DIGEST) not in second
    first.write("host", DIGEST, CONTENTS, {"x": 1}, {"torch": "2"})
    assert ("host", DIGEST) in second
    entry = second.read("host", DIGEST)
    assert entry.values["name"] == "a"
    assert entry.environment == {"torch": "2"}
    assert torch.equal(entry.tensors("network")["w"], torch.arange(6.0))
    second.discard("host", DIGEST)
    third = machine(address, "third", tmp_path, monkeypatch)
    assert ("host", DIGEST) not in third
    with pytest.raises(UntrustedFile):
        third.read("host", DIGEST)


@pytest.mark.parametrize("damage", ["missing", "changed", "renamed"])
def test_what_is_damaged_there_is_refused(
    address: str, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(address, "first", tmp_path, monkeypatch).write("host", DIGEST, CONTENTS, {})
    files, top = fsspec.core.url_to_fs(address)
    there = f"{top}/host/{DIGEST[:2]}/{DIGEST}"
    if damage == "missing":
        files.rm_file(f"{there}/network.safetensors")
    elif damage == "changed":
        files.pipe_file(f"{there}/values.json", b"{}")
    else:
        manifest = json.loads(files.cat_file(f"{there}/manifest.json"))
        manifest["files"] = {"../../../values.json": "", **manifest["files"]}
        files.pipe_file(f"{there}/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(UntrustedFile):
        machine(address, "second", tmp_path, monkeypatch).read("host", DIGEST)
    assert not list((tmp_path / "second").rglob(".tmp-*"))


def test_without_its_manifest_an_entry_is_none(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it was being written: the manifest comes last."""
    machine(address, "first", tmp_path, monkeypatch).write("host", DIGEST, CONTENTS, {})
    files, top = fsspec.core.url_to_fs(address)
    files.rm_file(f"{top}/host/{DIGEST[:2]}/{DIGEST}/manifest.json")
    assert ("host", DIGEST) not in machine(address, "second", tmp_path, monkeypatch)


@pytest.mark.parametrize("wrong", ["nosuch://place/store", "s3+nosuch://x"])
def test_an_address_of_no_file_system_is_refused(wrong: str) -> None:
    with pytest.raises(OwnmarkError, match=r"--store .*://"):
        store_at(wrong)


def test_an_address_that_cannot_be_written_says_so(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = machine(address, "first", tmp_path, monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(store._files, "pipe_file", refuse)  # type: ignore[attr-defined]
    monkeypatch.setattr(store._files, "put_file", refuse)  # type: ignore[attr-defined]
    with pytest.raises(Unwritable, match="no route"):
        store.try_out()
    with pytest.raises(Unwritable, match="no route"):
        store.write("host", DIGEST, CONTENTS, {})


# --- several at once, and what breaks off -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [ConnectionError("no route"), KeyboardInterrupt()], ids=["network", "killed"])
@pytest.mark.parametrize("last", ["values.json", "manifest.json", "half of it"])
def test_what_could_not_be_put_there_is_put_there_by_whoever_reads_it_next(
    address: str, end: BaseException, last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine(address, "first", tmp_path, monkeypatch)
    put = type(first._files).put_file  # type: ignore[attr-defined]

    def breaks(self: Any, here: str, there: str, **options: Any) -> None:
        if last == "half of it" and there.endswith("manifest.json"):
            self.pipe_file(there, Path(here).read_bytes()[:20])
            raise end
        if there.endswith(last):
            raise end
        put(self, here, there, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(first._files), "put_file", breaks)  # type: ignore[attr-defined]
        with pytest.raises((Unwritable, KeyboardInterrupt)):
            first.write("host", DIGEST, CONTENTS, {})
    with pytest.raises(UntrustedFile):
        machine(address, "second", tmp_path, monkeypatch).read("host", DIGEST)
    again = machine(address, "first", tmp_path, monkeypatch)
    assert ("host", DIGEST) in again
    assert again.read("host", DIGEST).values == CONTENTS.values
    assert machine(address, "second", tmp_path, monkeypatch).read("host", DIGEST).values == CONTENTS.values
    assert [path.name for path in again.path("host", DIGEST).parent.iterdir()] == [DIGEST]


def test_what_is_owed_of_an_entry_that_was_never_finished_goes_after_a_day(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = machine(address, "first", tmp_path, monkeypatch)
    store.write("host", DIGEST, CONTENTS, {})
    shelf = store.path("host", DIGEST).parent
    kept, old, new = (shelf / f"{name}.owed" for name in (DIGEST, "cd" + "0" * 62, "cd" + "1" * 62))
    for path in (kept, old, new):
        path.touch()
    for path in (kept, old):
        os.utime(path, (0, 0))
    store.sweep()
    assert sorted(shelf.glob("*.owed")) == sorted([kept, new])


def test_the_entry_that_is_there_first_stays(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (machine(address, name, tmp_path, monkeypatch) for name in ("first", "second"))
    first.write("host", DIGEST, CONTENTS, {})
    second.write("host", DIGEST, Contents({"name": "later"}), {})
    assert machine(address, "third", tmp_path, monkeypatch).read("host", DIGEST).values["name"] == "a"


@pytest.mark.parametrize(
    ("name", "call"),
    [("rm", lambda one: one.discard("host", DIGEST)), ("rm_file", lambda one: one.try_out())],
    ids=["discard", "try_out"],
)
def test_two_may_do_it_at_once(
    address: str, name: str, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine(address, "first", tmp_path, monkeypatch)
    second = store_at(address, first.run)
    first.write("host", DIGEST, CONTENTS, {})
    files = type(first._files)  # type: ignore[attr-defined]
    whole, asked = getattr(files, name), []

    def overtaken(self: Any, *where: Any, **options: Any) -> None:
        asked.append(where)
        if len(asked) == 1:
            call(second)
        whole(self, *where, **options)

    monkeypatch.setattr(files, name, overtaken)
    call(first)
    assert len(asked) > 1


@pytest.mark.parametrize(
    "error",
    [ConnectionError("no route"), OSError(errno.ENOSPC, "No space left on device"), RuntimeError("busy")],
)
@pytest.mark.parametrize("name", ["cat_file", "get_file"])
def test_what_cannot_be_fetched_is_not_damaged(
    address: str, name: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a moment without network, or a full disk here, would remove the work of others there."""
    machine(address, "first", tmp_path, monkeypatch).write("host", DIGEST, CONTENTS, {})
    second = machine(address, "second", tmp_path, monkeypatch)

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(type(second._files), name, fails)  # type: ignore[attr-defined]
        with pytest.raises(Unwritable, match=str(error.args[-1])):
            second.read("host", DIGEST)
    assert second.read("host", DIGEST).values == CONTENTS.values


def test_an_entry_that_was_fetched_while_it_was_written_is_fetched_again(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(address, "first", tmp_path, monkeypatch).write("host", DIGEST, CONTENTS, {})
    second = machine(address, "second", tmp_path, monkeypatch)
    place = f"{second._there('host', DIGEST)}/values.json"  # type: ignore[attr-defined]
    files = second._files  # type: ignore[attr-defined]
    whole = files.cat_file(place)
    files.pipe_file(place, whole[:5])
    with pytest.raises(UntrustedFile):
        second.read("host", DIGEST)
    files.pipe_file(place, whole)
    assert second.read("host", DIGEST).values == CONTENTS.values
