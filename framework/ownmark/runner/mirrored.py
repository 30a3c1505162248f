"""A store at an fsspec address (`s3://`, `gs://`, `memory://`), with a copy here of what this machine read or wrote.

Object stores rename nothing: an entry's files are written first and its manifest last, and what has no manifest is no
entry. Claims hold between the processes of one machine; several machines on one address need a driver (`--cluster`),
or some stages are computed twice, which costs time and changes no result.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError, UntrustedFile, Unwritable
from ownmark.foreign import HIDDEN, redacted
from ownmark.runner.places import unfinished, writing
from ownmark.runner.store import Contents, Store, StoredEntry, problem_of, settle
from ownmark.scratch import DAY, HOST, delete, fresh_name

MIRROR = "OWNMARK_MIRROR"
"""Environment variable: the folder for copies of remote stores; ~/.cache/ownmark if not set."""
_OWED = ".owed"
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class Mirrored(Store):
    """Entries at an address, found by stage and digest.

    Raises:
        OwnmarkError: no such file system, or what it needs is not installed.
    """

    def __init__(self, address: str, run: str | None = None) -> None:
        try:
            import fsspec

            self._files, self._top = fsspec.core.url_to_fs(address)
        except Exception as error:  # file systems raise errors of every kind
            raise OwnmarkError(f"--store {redacted(address)}: {_without_secrets(address, error)}") from None
        self._address = address
        super().__init__(_mirror(address), run)
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        """See `Store`."""
        return self._address

    def try_out(self) -> None:
        """See `Store`."""
        super().try_out()
        probe = f"{self._top}/.probe-{HOST}"  # one name, so that whoever is killed leaves one at most
        with _reached(self._address):
            self._files.makedirs(self._top, exist_ok=True)
            self._files.pipe_file(probe, b"x")
            with suppress(FileNotFoundError):  # workers of a run try at the same time
                self._files.rm_file(probe)

    def __contains__(self, item: tuple[str, str]) -> bool:
        if super().__contains__(item):
            return True
        with _reached(self._address):
            return bool(self._files.exists(f"{self._there(*item)}/manifest.json"))

    def read(self, stage: str, digest: str) -> StoredEntry:
        """See `Store`; fetches the entry first if this machine has no copy, and hands it over if only this one has."""
        if not super().__contains__((stage, digest)):
            self._fetch(stage, digest)
        entry = super().read(stage, digest)
        if self._owed(stage, digest).exists():
            self._hand_over(stage, digest)
        return entry

    def write(
        self,
        stage: str,
        digest: str,
        contents: Contents,
        about: Mapping[str, Any],
        environment: Mapping[str, Any] | None = None,
    ) -> StoredEntry:
        """See `Store`."""
        owed = self._owed(stage, digest)
        with writing(self.root):
            owed.parent.mkdir(parents=True, exist_ok=True)
            owed.touch()
        return super().write(stage, digest, contents, about, environment)  # and reads it, which hands it over

    def discard(self, stage: str, digest: str) -> None:
        """See `Store`."""
        there = self._there(stage, digest)
        # the address first: what this machine has no more it does not look for there
        with _reached(self._address), suppress(FileNotFoundError):
            if self._files.exists(there):
                with suppress(FileNotFoundError):
                    self._files.rm_file(f"{there}/manifest.json")
                self._files.rm(there, recursive=True)
        super().discard(stage, digest)
        self._owed(stage, digest).unlink(missing_ok=True)

    def sweep(self) -> None:
        """See `Store`; with what is owed of entries that were never finished."""
        super().sweep()
        for owed in unfinished(self.root):
            if owed.suffix == _OWED and not owed.with_suffix("").exists():
                with suppress(OSError):
                    if time.time() - owed.lstat().st_mtime > DAY:
                        owed.unlink()

    def _there(self, stage: str, digest: str) -> str:
        return f"{self._top}/{stage}/{digest[:2]}/{digest}"

    def _owed(self, stage: str, digest: str) -> Path:
        """Stands beside an entry of this machine until it is at the address, whoever is killed meanwhile."""
        path = self.path(stage, digest)
        return path.with_name(f"{path.name}{_OWED}")

    def _hand_over(self, stage: str, digest: str) -> None:
        """Copy an entry of this machine to the address; one that another machine has put there stays."""
        there, here = self._there(stage, digest), self.path(stage, digest)
        with _reached(self._address):
            if not self._has_manifest(there):
                self._files.makedirs(there, exist_ok=True)
                for path in sorted(here.iterdir(), key=lambda one: one.name == "manifest.json"):
                    self._files.put_file(str(path), f"{there}/{path.name}")
        self._owed(stage, digest).unlink(missing_ok=True)

    def _has_manifest(self, there: str) -> bool:
        """False also where half of one lies: not every file system shows a file only once it is whole."""
        try:
            json.loads(self._files.cat_file(f"{there}/manifest.json"))
        except (*_MISSING, ValueError, RecursionError):
            return False
        return True

    def _fetch(self, stage: str, digest: str) -> None:
        """Copy an entry to this machine, if its files are what its manifest says.

        Raises:
            UntrustedFile: they are not, or none is there. Unwritable: it cannot be fetched, which is no fault of it.
        """
        there, target = self._there(stage, digest), self.path(stage, digest)
        with writing(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = fresh_name(target)
            try:
                scratch.mkdir(mode=0o700)
                with _reached(self._address):
                    problem = self._copy(there, scratch, stage, digest)
                if problem:
                    raise UntrustedFile(f"{there}: {problem}")
                settle(scratch, target)
            finally:
                delete(scratch)

    def _copy(self, there: str, scratch: Path, stage: str, digest: str) -> str | None:
        """Copy the manifest and the files that it names; what is wrong with them."""
        try:
            text = self._files.cat_file(f"{there}/manifest.json")
            manifest = json.loads(text)
            for name in manifest["files"]:
                if Path(name).name != name:
                    raise UntrustedFile(f"{there}: its manifest names {name!r:.60}")
                self._files.get_file(f"{there}/{name}", str(scratch / name))
            (scratch / "manifest.json").write_bytes(text)
            return problem_of(scratch, manifest, stage, digest)
        except (*_MISSING, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise UntrustedFile(f"{there}: unreadable store entry ({error})") from error


@contextmanager
def _reached(address: str) -> Iterator[None]:
    """What fails in the block is the address's fault: file systems raise errors of every kind."""
    try:
        yield
    except OwnmarkError:
        raise
    except Exception as error:
        raise Unwritable(
            f"--store {redacted(address)}: cannot be reached or written ({type(error).__name__}: "
            f"{_without_secrets(address, error)}); mend that and run the same command again, everything that was "
            "finished is kept"
        ) from error


def _without_secrets(address: str, error: Exception) -> str:
    """What a file system says, without the password of the address."""
    told = address.partition("://")[2].rpartition("@")[0]
    text = str(error).replace(address, redacted(address))
    return text.replace(told, HIDDEN) if told else text


def _mirror(address: str) -> Path:
    home = Path(os.environ.get(MIRROR) or Path.home() / ".cache" / "ownmark")
    return home / hashlib.sha256(address.encode()).hexdigest()[:16]
