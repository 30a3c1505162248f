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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ownmark.errors import OwnmarkError

DAY = 86_400
"""Seconds after which nobody is at work any more, where it cannot be known."""
_LEFT = re.compile(r"\.(\d+)(?:-([^.]+))?\.tmp$")
_STEM = 30
"""Characters of a name that its temporary names begin with; file systems take 255 bytes."""


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
    return path.with_name(f"{path.name}{_whose()}")


def hidden_of(place: Path) -> Path:
    """A new temporary name beside `place`, for what users may see there before it is renamed."""
    return place.with_name(f"{_stem(place)}{secrets.token_hex(4)}{_whose()}")


def fresh_name(place: Path) -> Path:
    """A new temporary name beside `place`, for a folder of a store."""
    return place.with_name(f".tmp-{os.getpid()}-{HOST}-{secrets.token_hex(4)}")


def _whose() -> str:
    return f".{os.getpid()}-{HOST}.tmp"


def _stem(place: Path) -> str:
    return f".{place.name[:_STEM]}."


def is_leftover(path: Path, named: bool = False) -> bool:
    """Whether this has such a name, and of a process that was killed.

    Args:
        named: the name must say on which machine, which version 0.1 did not write.
    """
    found = _LEFT.search(path.name)
    if found is None or found[2] is None:
        return found is not None and not named
    return abandoned(path, found[1], found[2])


def abandoned(leftover: Path, process: str, host: str) -> bool:
    """Whether nobody can still be writing there: its process is gone, or a day has passed.

    The latter holds on another machine, and where the number is another process's now: in a container, always 1.
    """
    if host == HOST and process.isdigit() and not _alive(int(process)):
        return True
    return time.time() - _touched(leftover) > DAY


def _touched(leftover: Path) -> float:
    """When a file, or what lies in a folder, was changed last."""
    try:
        times = [leftover.lstat().st_mtime]
        if leftover.is_dir() and not leftover.is_symlink():
            times += [path.lstat().st_mtime for path in leftover.iterdir()]
    except OSError:  # changed this moment
        return time.time()
    return max(times)


def _alive(process: int) -> bool:
    with suppress(PermissionError, OverflowError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True


def clear(place: Path) -> None:
    """Remove what killed processes left beside a place, on the way to it."""
    with suppress(OSError), os.scandir(place.parent) as found:
        begun = [one.path for one in found if one.name.startswith((f"{place.name}.", _stem(place)))]
        clear_away(map(Path, begun))


def clear_away(paths: Iterable[Path]) -> None:
    """Remove those among them that killed processes left."""
    for path in paths:
        if is_leftover(path, named=True):
            delete(path)


@contextmanager
def appearing(folder: Path, private: bool = False) -> Iterator[Path]:
    """A folder to write into that appears as `folder` once the block has ended well, and not at all otherwise.

    Args:
        private: nobody but its owner may look into it.

    Raises:
        OwnmarkError: another process has put something there meanwhile.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear(folder)
    scratch = hidden_of(folder)
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
        scratch.chmod(0o700 if private else 0o777 & ~umask())
        try:
            scratch.rename(folder)
        except OSError:
            require_vacant(folder)
            raise
    finally:
        delete(scratch)


def require_vacant(folder: Path) -> None:
    """Nothing is overwritten.

    Raises:
        OwnmarkError: `folder` exists.
    """
    if folder.exists():
        raise OwnmarkError(f"{folder} exists already; choose another name, or remove it first")


def umask() -> int:
    """Rights that new files are not to have."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def moved_aside(place: Path, named: Callable[[Path], Path] = fresh_name) -> Path:
    """Rename what stands there to a temporary name; nothing is under that name if this was not possible."""
    aside = named(place)
    with suppress(OSError):
        place.rename(aside)
    return aside


def settle(
    scratch: Path, target: Path, whole: Callable[[Path], bool], named: Callable[[Path], Path] = fresh_name
) -> None:
    """Rename into place; what another process finished meanwhile is as good as ours, a ruin is not.

    Whatever stands there is judged only after a rename has failed, and by the name under which nobody else finds it:
    between a look and a removal, another process may put a whole one there.
    """
    for last in (False, False, True):
        try:
            scratch.rename(target)
            return
        except OSError:
            if whole(target):
                return
            if last or not os.path.lexists(target):
                raise
        aside = moved_aside(target, named)
        if whole(aside):
            with suppress(OSError):
                aside.rename(target)
        delete(aside)


def delete(place: Path) -> None:
    """Delete a folder, or a file, a link or a pipe where a folder belongs."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink(missing_ok=True)
