"""Folders that results go to: tried before anything is computed, and named when they fail."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ownmark.errors import Unwritable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def require_writable(folder: Path, option: str) -> None:
    """Make `folder` if need be, and see that files can be made in it.

    Raises:
        Unwritable: says why not, and which option names another one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        raise Unwritable(
            f"{folder}: nothing can be written there ({_reason(error)}); name another place with {option}"
        ) from error


def require_plain(path: Path) -> None:
    """See that what a file is appended to is a file, or nothing yet: a link would lead elsewhere, a pipe would wait.

    Raises:
        Unwritable: it is something else.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Unwritable(f"{path}: a link, a pipe or a folder stands where a file belongs; remove it")


def unfinished(store: Path) -> Iterator[Path]:
    """What lies among a store's entries and is none: claims, and entries under temporary names."""
    for stage in _folders(store):
        for shelf in _folders(stage.path):
            with suppress(OSError), os.scandir(shelf.path) as entries:
                yield from [Path(entry.path) for entry in entries if "." in entry.name]


def _folders(place: str | Path) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(place) as entries:
        return [entry for entry in entries if entry.is_dir()]
    return []


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """What fails to be written in the block is an `Unwritable` that names `place`."""
    from safetensors import SafetensorError

    try:
        yield
    except OSError as error:
        raise _unwritable(place, error) from error
    except SafetensorError as error:
        if "os error" not in str(error):  # a method's tensors, not the disk
            raise
        raise _unwritable(place, error) from error


def _unwritable(place: Path, error: Exception) -> Unwritable:
    remedy = (
        "make room" if getattr(error, "errno", None) in _FULL or "os error 28" in str(error) else "mend that"
    )
    return Unwritable(
        f"{place}: cannot be written ({_reason(error)}); {remedy} and run the same command again, "
        "everything that was finished is kept"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
