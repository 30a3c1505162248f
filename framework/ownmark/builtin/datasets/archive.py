"""`.npz` files, which may come from anybody: never unpickled, and every fault named as file and field."""

from __future__ import annotations

import hashlib
import math
import struct
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

MAPPED_FROM = 256 * 2**20
"""Bytes of an array from which on it stays in its file, if it is stored as it is."""
_LOCAL_HEADER = "<26xHH"
"""Of a member of a zip file: the lengths of its name and of its extra field, which the array follows."""
_READ_AT_ONCE = 1 << 22
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
            array = self._mapped(field)
            array = self._stored[field] if array is None else array
        except _FAULTS as error:
            raise DataError(f"{self.path}: field {field} cannot be read ({error})") from error
        if not isinstance(array, np.ndarray):
            raise self.refuse(field, "an array", "other bytes")
        return array

    def _mapped(self, field: str) -> npt.NDArray[Any] | None:
        """The array as a private map of the file, read once to compare its checksum; None if it is better read."""
        archive: zipfile.ZipFile = self._stored.zip
        if f"{field}.npy" not in archive.namelist():
            return None
        member = archive.getinfo(f"{field}.npy")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size < MAPPED_FROM:
            return None
        with archive.open(member) as file:
            shape, fortran, dtype = _array_header(file)
            begin = file.tell()
            if dtype.hasobject or begin + dtype.itemsize * math.prod(shape) != member.file_size:
                return None
            while file.read(_READ_AT_ONCE):
                pass  # the end compares the checksum
        with self.path.open("rb") as plain:
            plain.seek(member.header_offset)
            lengths = struct.unpack(_LOCAL_HEADER, plain.read(struct.calcsize(_LOCAL_HEADER)))
            begin += plain.tell() + sum(lengths)
        return np.memmap(self.path, dtype, "c", begin, shape, "F" if fortran else "C")

    def refuse(self, field: str, expected: str, found: object) -> DataError:
        """The error that says what is wrong with `field`."""
        return DataError(f"{self.path}: field {field}: expected {expected}, found {found}")


def _array_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type of the `.npy` that a file begins with."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


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
