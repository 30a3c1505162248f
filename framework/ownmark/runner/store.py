"""The store: every finished stage under the hash of all that it depends on.

An entry is a folder with a manifest, JSON values and safetensors files. It is written under a temporary name and
renamed into place, so a killed process or a full disk leaves nothing half-written to be read. Reading checks every
file against the manifest's SHA-256; what does not match is refused and computed again. Runs may share a store, also
from several machines: whoever computes an entry holds a claim on it (see `claims`).
"""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile, Unwritable
from ownmark.hashing import sha256_of
from ownmark.runner import claims, leftovers
from ownmark.runner.claims import Claim, Claims
from ownmark.runner.places import require_writable, writing
from ownmark.scratch import delete, fresh_name, moved_aside, scratch_of
from ownmark.scratch import settle as settled

FORMAT = "ownmark store 1"

_SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What this process or machine is short of when it fails to open a file."""


@dataclass(frozen=True)
class Contents:
    """What a stage leaves behind.

    Args:
        values: JSON-ready. tensors: file name (without suffix) -> named tensors.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredEntry:
    """A verified entry; tensors are read when asked for."""

    path: Path
    values: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Versions and device that computed it; empty for entries of version 0.1."""

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The named tensors of one file."""
        return read_tensors(self.path / f"{name}.safetensors", "entry")[0]

    def has(self, name: str) -> bool:
        """Whether the entry has a file of that name."""
        return (self.path / f"{name}.safetensors").exists()


class Store:
    """Entries below one folder, found by stage and digest.

    Args:
        run: a word that workers of one run share, so that they count each other's deaths.
    """

    def __init__(self, root: Path, run: str | None = None) -> None:
        self.root = root
        self._claims = Claims(run)

    @property
    def run(self) -> str:
        """See `Store`."""
        return self._claims.run

    @property
    def address(self) -> str:
        """What finds this store from another process."""
        return str(self.root)

    def try_out(self) -> None:
        """See that entries can be written.

        Raises:
            Unwritable: says why not.
        """
        require_writable(self.root, "--store")

    def path(self, stage: str, digest: str) -> Path:
        """Where an entry is, or would be."""
        return Path(f"{self.root}/{stage}/{digest[:2]}/{digest}")

    def __contains__(self, item: tuple[str, str]) -> bool:
        stage, digest = item
        return os.path.isfile(f"{self.root}/{stage}/{digest[:2]}/{digest}/manifest.json")

    def read(self, stage: str, digest: str) -> StoredEntry:
        """Open an entry.

        Raises:
            UntrustedFile: it is absent, damaged, or not what its place says. Unwritable: no file can be opened here.
        """
        path = self.path(stage, digest)
        try:
            if not (path / "manifest.json").is_file():  # nor a pipe that nobody writes to
                raise UntrustedFile(f"{path}: unreadable store entry (no manifest)")
            manifest = json.loads((path / "manifest.json").read_text())
            problem = problem_of(path, manifest, stage, digest)
            if problem:
                raise UntrustedFile(f"{path}: {problem}")
            values = json.loads((path / "values.json").read_text())
            if not isinstance(values, dict):
                raise UntrustedFile(f"{path}: values.json holds no mapping")
            return StoredEntry(path, values, dict(manifest.get("environment", {})))
        except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, OSError) and error.errno in _SHORT:  # no fault of the entry, which must stay
                raise Unwritable(
                    f"{path}: cannot be read ({error.strerror}); mend that and run the same command again, everything "
                    "that was finished is kept"
                ) from error
            raise UntrustedFile(f"{path}: unreadable store entry ({error})") from error

    def write(
        self,
        stage: str,
        digest: str,
        contents: Contents,
        about: Mapping[str, Any],
        environment: Mapping[str, Any] | None = None,
    ) -> StoredEntry:
        """Store what a stage computed and give it back as read from the disk.

        Args:
            about: what the digest was computed from, kept in the manifest for people. environment: versions and device.

        Raises:
            Unwritable: the disk is full, or something stands where a folder belongs.
        """
        target = self.path(stage, digest)
        with writing(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = fresh_name(target)
            try:
                scratch.mkdir(mode=0o700)
                _write_files(scratch, contents)
                manifest = {
                    "format": FORMAT, "stage": stage, "digest": digest, "about": about, "files": _sums(scratch),
                    "environment": dict(environment or {}),
                }  # fmt: skip
                write_text(scratch / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True))
                settle(scratch, target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return self.read(stage, digest)

    def claim(self, stage: str, digest: str, label: str) -> Claim | None:
        """The right to compute an entry, to be held in a `with` block; None while another process has it.

        Raises:
            Unwritable: nothing can be written there.
        """
        return self._claims.take(self.path(stage, digest), label)

    def discard(self, stage: str, digest: str) -> None:
        """Remove an entry that was refused."""
        delete(moved_aside(self.path(stage, digest)))

    def sweep(self) -> None:
        """Remove what killed processes left under temporary names, and their claims."""
        claims.sweep(self.root)
        leftovers.sweep(self.root)


def store_at(address: str, run: str | None = None) -> Store:
    """The store in a folder, or at an fsspec address.

    Raises:
        OwnmarkError: no such file system.
    """
    if "://" in address:
        from ownmark.runner.mirrored import Mirrored

        return Mirrored(address, run)
    return Store(Path(address).expanduser().resolve(), run)


def write_text(path: Path, text: str, flush: bool = True, mode: int = 0o666) -> None:
    """Write a file under a temporary name, flush it to disk and rename it into place; the same text is left alone.

    Args:
        flush: False for what the same command writes again, should the machine lose its power; it takes milliseconds.
        mode: who may read it, less the umask.
    """
    if path.is_file() and path.read_bytes() == text.encode():
        if not mode & 0o077:
            path.chmod(mode)
        return
    scratch = scratch_of(path)
    try:
        with open(scratch, "w", encoding="utf-8", opener=functools.partial(os.open, mode=mode)) as file:
            file.write(text)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _write_files(folder: Path, contents: Contents) -> None:
    (folder / "values.json").write_text(json.dumps(dict(contents.values), indent=1, sort_keys=True))
    for name, tensors in contents.tensors.items():
        write_tensors(folder / f"{name}.safetensors", tensors, {"ownmark": "entry"})


def settle(scratch: Path, target: Path) -> None:
    """Rename an entry into place; one that another process finished meanwhile is as good as ours, a ruin is not."""
    settled(scratch, target, _is_whole)


def _is_whole(entry: Path) -> bool:
    return (entry / "manifest.json").is_file()


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def problem_of(path: Path, manifest: Any, stage: str, digest: str) -> str | None:
    """What is wrong with an entry's files, by its manifest; None if nothing is."""
    if manifest.get("format") != FORMAT:
        return f"written by another version ({manifest.get('format')!r}, expected {FORMAT!r})"
    if (manifest.get("stage"), manifest.get("digest")) != (stage, digest):
        return "belongs to another stage"
    listed = manifest["files"]
    if "values.json" not in listed:
        return "its manifest lists no values.json"
    unlisted = {*os.listdir(path)} - {*listed, "manifest.json"}
    if unlisted:
        return f"{min(unlisted)} is not in its manifest"
    for name, expected in listed.items():
        if Path(name).name != name or not (path / name).is_file():
            return f"{name} is missing"
        if sha256_of(path / name) != expected:
            return f"{name} does not match its checksum"
    return None
