"""Claims: who computes an entry. They hold where files cannot be locked (NFS, GPFS) and clocks differ.

A claim is a folder that is renamed into place, and out of it, whole: a killed process leaves a claim that says whose
it was, or none. Its owner changes the file `beat` in it every few seconds. Whoever sees a beat stand still for `expiry`
seconds, by its own clock, takes over by making the folder of the next generation; so does at once who finds that the
owner was a process of this machine that is gone. An owner that was merely asleep computes what another has computed
too, and the entry that is there first stays.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import platform
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError
from ownmark.runner.places import unfinished, writing
from ownmark.scratch import DAY, delete, fresh_name, moved_aside

EXPIRY = "OWNMARK_CLAIM_EXPIRY"
"""Environment variable: seconds without a beat after which a claim counts as abandoned; 60 if not set."""

_CLAIM = re.compile(r"([0-9a-f]{64})\.claim-(\d{1,6})")
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}
"""How a rename says that something stands there."""
Owner = dict[str, Any]


class Claim:
    """An entry that is this process's to compute, until the block ends.

    Args:
        interval: seconds between two beats. owner: what it says of this process; `retries` counts the workers of the
            same run that died over it.
    """

    def __init__(self, folder: Path, interval: float, owner: Owner) -> None:
        self.folder, self.retries = folder, int(owner["retries"])
        self._interval, self._owner = interval, owner
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        count = 0
        while not self._over.wait(self._interval):
            count += 1
            with suppress(OSError):  # a beat that is missed is no reason to stop
                (self.folder / "beat").write_text(str(count))

    def __enter__(self) -> Claim:
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._heart.join()
        if not self._is_mine():
            return
        mine = _number(self.folder)  # later ones are of those who took over
        for folder in _generations(self.folder):  # mine last: until then nobody finds the entry unclaimed
            if _number(folder) <= mine:
                delete(moved_aside(folder))

    def _is_mine(self) -> bool:
        """False where others have taken over and ended, and the next one has made a claim of this name."""
        said = owner_of(self.folder)
        return not said or all(said.get(word) == self._owner[word] for word in ("process", "started"))


@dataclass(frozen=True)
class Held:
    """A claim as others see it: the entry's stage and digest, and its owner (host, process, label, since ...)."""

    stage: str
    digest: str
    folder: Path
    owner: Owner


class Claims:
    """Makes claims, and remembers since when those of others have stood still.

    Args:
        run: a word that workers of one run share.
    """

    def __init__(self, run: str | None = None, expiry: float | None = None) -> None:
        self.run = run or secrets.token_hex(8)
        self.expiry = expiry or _expiry()
        self._seen: dict[Path, tuple[str, float]] = {}

    def take(self, entry: Path, label: str) -> Claim | None:
        """The claim on the entry at this path; None while another holds it.

        Raises:
            Unwritable: no folder can be made there.
        """
        with writing(entry.parent):
            entry.parent.mkdir(parents=True, exist_ok=True)
            held = _generations(entry)
            if held and not self._abandoned(held[-1]):
                return None
            last = _number(held[-1]) if held else -1
            before = owner_of(held[-1]) if held else {}
            retries = before.get("retries", 0) + 1 if before.get("run") == self.run else 0
            owner = {**_here(), "label": label, "since": time.time(), "run": self.run, "retries": retries}
            folder = entry.with_name(f"{entry.name}.claim-{last + 1}")
            return Claim(folder, self.expiry / 12, owner) if _put(folder, owner) else None

    def _abandoned(self, folder: Path) -> bool:
        if is_dead(owner_of(folder)):
            return True
        now, beat = time.monotonic(), _text(folder / "beat")
        seen = self._seen.get(folder)
        if seen is None or seen[0] != beat:
            self._seen[folder] = (beat, now)
            return False
        return now - seen[1] > self.expiry


def _put(folder: Path, owner: Owner) -> bool:
    """Make a claim; False if another has been faster."""
    scratch = fresh_name(folder)
    try:
        scratch.mkdir()
        (scratch / "beat").write_text("0")
        (scratch / "owner.json").write_text(json.dumps(owner))
        try:
            scratch.rename(folder)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False
    finally:
        delete(scratch)
    return True


def held(root: Path) -> Iterator[Held]:
    """Every claim in a store, the latest of each entry."""
    latest = {folder.with_name(folder.name.partition(".")[0]): folder for folder in _all(root)}
    for entry, folder in latest.items():
        yield Held(entry.parent.parent.name, entry.name, folder, owner_of(folder))


def sweep(root: Path) -> None:
    """Remove claims that nobody holds: of processes of this machine that are gone, or a day old."""
    for folder in _all(root):
        if not _unheld(folder):
            continue
        aside = moved_aside(folder)
        if _unheld(aside):
            delete(aside)
        else:  # another process ended it after the first look, and a third has made a claim of this name
            with suppress(OSError):
                aside.rename(folder)


def _unheld(folder: Path) -> bool:
    with suppress(OSError):
        beat = folder / "beat"  # former versions left claims without it, when they were killed
        last = (beat if beat.exists() else folder).stat().st_mtime
        return is_dead(owner_of(folder)) or time.time() - last > DAY
    return False


def is_dead(owner: Owner) -> bool:
    """Whether a claim's owner was a process of this machine that is gone; False if that cannot be known."""
    here = _here()
    if owner.get("place") != here["place"]:
        return False
    return _started(int(owner["process"])) != owner.get("started")


def owner_of(folder: Path) -> Owner:
    """What a claim says of its owner; empty if it says nothing (yet)."""
    try:
        found = json.loads(_text(folder / "owner.json"))
    except (ValueError, RecursionError):
        return {}
    whole = isinstance(found, dict) and isinstance(found.get("process"), int)
    return found if whole and isinstance(found.get("retries"), int) else {}


def _all(root: Path) -> list[Path]:
    return sorted(path for path in unfinished(root) if _CLAIM.fullmatch(path.name))


def _generations(entry: Path) -> list[Path]:
    """The claims on an entry, the one that holds last; `entry` may be one of them."""
    stem = entry.name.partition(".")[0]
    found = [path for path in entry.parent.glob(f"{stem}.claim-*") if _CLAIM.fullmatch(path.name)]
    return sorted(found, key=_number)


def _number(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def _text(path: Path) -> str:
    """What a file says; nothing if there is none, or a pipe or a folder in its place."""
    try:
        return path.read_text(errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def _expiry() -> float:
    text = os.environ.get(EXPIRY, "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.5 <= seconds <= DAY:
        raise OwnmarkError(f"{EXPIRY}={text!r:.40}: give seconds, from 0.5 to {DAY}")
    return seconds


@functools.cache
def _place() -> str:
    """This machine since it was started, and the namespace in which its process numbers mean something."""
    boot = _text(Path("/proc/sys/kernel/random/boot_id")).strip()
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return f"{platform.node()} {boot} {space}"


def _here() -> Owner:
    process = os.getpid()
    return {"host": platform.node(), "place": _place(), "process": process, "started": _started(process)}


def _started(process: int) -> str:
    """When a process of this machine began, as the system counts; empty if there is none, or it is a zombie."""
    stat = _text(Path(f"/proc/{process}/stat"))
    if stat:
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    if Path("/proc/self/stat").exists():
        return ""
    try:  # a system without /proc
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except (OSError, OverflowError):
        return "running"
    return "running"
