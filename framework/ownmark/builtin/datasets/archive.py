"""`.npz` files, which may come from anybody: never unpickled, and every fault named as file and field."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ownmark.errors import DataError

_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, MemoryError, NotImplementedError)


class Archive:
    """An open `.npz` file; a field is read when it is asked for.

    Args:
        path: for messages. stored: what `np.load` gave.
    """

    def __init__(self, path: Path, stored: Any) -> None:
        self.path = path
        self._stored = stored

    def __contains__(self, field: str) -> bool:
        return field in self._stored.files

    def read(self, field: str) -> npt.NDArray[Any]:
        """The array `field`.

        Raises:
            DataError: missing, damaged, or made of Python objects.
        """
        if field not in self:
            found = ", ".join(sorted(self._stored.files))
            raise DataError(f"{self.path}: field {field} is missing (found: {found})")
        try:
            array = self._stored[field]
        except _FAULTS as error:
            raise DataError(f"{self.path}: field {field} cannot be read ({error})") from error
        if not isinstance(array, np.ndarray):
            raise self.refuse(field, "an array", "other bytes")
        return array

    def refuse(self, field: str, expected: str, found: object) -> DataError:
        """The error that says what is wrong with `field`."""
        return DataError(f"{self.path}: field {field}: expected {expected}, found {found}")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open `path` for the block.

    Raises:
        DataError: no such file, or no readable `.npz`.
    """
    if not path.is_file():
        where = "" if path.is_absolute() else f"; looked for in the working folder, {Path.cwd()}"
        raise DataError(f"{path}: no such file{where}")
    try:
        stored = np.load(path, allow_pickle=False)
    except _FAULTS as error:
        raise DataError(f"{path}: not a readable .npz file, perhaps truncated ({error})") from error
    if not isinstance(stored, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: expected an .npz file with named fields, found a single array (.npy)")
    with stored:
        yield Archive(path, stored)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, computed once for each (path, size, time of change) in this process.

    Raises:
        DataError: the file is not there.
    """
    try:
        stat = path.stat()
        return _file_digest(path.resolve(), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


@cache
def _file_digest(path: Path, size: int, changed: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def array_digest(*arrays: npt.NDArray[Any]) -> str:
    """SHA-256 of the arrays' bytes in C order, first 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
