"""Stores at fsspec addresses: what one machine writes another finds, and nothing half-written is read."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

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
