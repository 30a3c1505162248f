"""Temporary names: what is written under one is renamed into place, what is removed is renamed to one first.

So a reader, or whoever comes after a killed process, finds a thing whole or not at all. The name says whose it is,
for those who clear away.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ownmark.runner.places import unfinished

_DAY = 86_400
_FILE = re.compile(r"\.(\d+)(?:-([^.]+))?\.tmp$")


def _here() -> str:
    """This machine, and the namespace in which its process numbers mean something; a word without `-` and `.`."""
    space = ""
    with suppress(OSError):
        space = "_" + "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))
    return (platform.node().partition(".")[0].replace("-", "_") or "here") + space


HOST = _here()
"""How names say on which machine the process is."""


def scratch_of(path: Path) -> Path:
    """Where a file is written before it is renamed to `path`."""
    return path.with_name(f"{path.name}.{os.getpid()}-{HOST}.tmp")


def is_leftover(path: Path) -> bool:
    """Whether this is such a file, and of a process that was killed; version 0.1 wrote no machine into the name."""
    found = _FILE.search(path.name)
    return found is not None and (found[2] is None or _abandoned(path, found[1], found[2]))


def fresh_name(place: Path) -> Path:
    """A new temporary name beside `place`, for a folder."""
    return place.with_name(f".tmp-{os.getpid()}-{HOST}-{secrets.token_hex(4)}")


def moved_aside(place: Path) -> Path:
    """Rename what stands there to a temporary name; nothing is under that name if this was not possible."""
    aside = fresh_name(place)
    with suppress(OSError):
        place.rename(aside)
    return aside


def delete(place: Path) -> None:
    """Delete a folder, or a file, a link or a pipe where a folder belongs."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink(missing_ok=True)


def sweep(root: Path) -> None:
    """Remove what killed processes left under temporary names in a store."""
    for leftover in unfinished(root):
        _, process, host, *_ = (*leftover.name.split("-"), "", "")
        if leftover.name.startswith(".tmp-") and _abandoned(leftover, process, host):
            delete(leftover)


def _abandoned(leftover: Path, process: str, host: str) -> bool:
    """Whether nobody can still be writing there: its process is gone or, on another machine, a day has passed."""
    if host == HOST and process.isdigit():
        return not _alive(int(process))
    try:
        return time.time() - leftover.lstat().st_mtime > _DAY
    except OSError:
        return False


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
