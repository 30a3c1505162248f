"""A folder's files decoded once, into memory-mapped arrays in a cache folder.

The cache is `OWNMARK_CACHE`, else `ownmark` in `XDG_CACHE_HOME` or `~/.cache`. An entry is recognised by the files'
names, sizes and times of change; it is written under another name and renamed, so that nothing half-written is read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ownmark.builtin.datasets.arrays import SPLITS, Arrays
from ownmark.builtin.datasets.listing import Listing, refuse_bad
from ownmark.builtin.datasets.pixels import Bytes
from ownmark.errors import DataError
from ownmark.foreign import shown
from ownmark.scratch import clear_away, delete, hidden_of, settle
from ownmark.wording import counted

VARIABLE = "OWNMARK_CACHE"
_FORM = 1
_CHUNK = 256
_log = logging.getLogger("ownmark")

Decode = Callable[[Path], Bytes]
"""A file as uint8 [H, W] or [H, W, C]; raises `BadFile`."""


class BadFile(Exception):
    """A file that cannot be decoded; the text says why."""


def cache_folder() -> Path:
    """Where decoded sets are kept."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ownmark"


def decoded(listing: Listing, decode: Decode, about: dict[str, Any], *, skip_bad: bool) -> tuple[Arrays, str]:
    """The arrays, memory-mapped, and a digest of what they hold.

    Args:
        about: what decoding depends on. skip_bad: leave out, with a warning, what cannot be decoded.

    Raises:
        DataError: bad files, named; images of several sizes; a cache folder that cannot be written.
    """
    known = {"form": _FORM, "about": about, "skip_bad": skip_bad, "root": str(listing.root.resolve())}
    stamp = json.dumps([known, listing.stamp()], sort_keys=True)
    entry = cache_folder() / f"decoded-{hashlib.sha256(stamp.encode()).hexdigest()[:32]}"
    found = _read(entry)
    if found is None:
        try:
            _write(entry, listing, decode, skip_bad)
        except OSError as error:
            raise DataError(
                f"{entry.parent}: decoded files cannot be kept here ({error.strerror or error}); name a folder with "
                f"room by {VARIABLE}, as in: export {VARIABLE}=/path/to/folder"
            ) from error
        found = _read(entry)
    if found is None:
        raise DataError(f"{entry}: cannot be read back; remove it, or name another folder by {VARIABLE}")
    arrays, told = found
    if told["skipped"]:
        names = shown(", ".join(told["skipped"]), 2000)
        _log.warning("%s: skipped %s: %s", listing.root, counted(len(told["skipped"]), "bad file"), names)
    return arrays, str(told["digest"])


def _read(entry: Path) -> tuple[Arrays, dict[str, Any]] | None:
    """What an entry holds; None if there is none, or none that can be read."""
    try:
        told = json.loads((entry / "about.json").read_text("utf-8"))
        x, y = {}, {}
        for split in SPLITS:
            y[split] = np.asarray(told["labels"][split], np.int64)
            stored = np.load(entry / f"{split}.npy", mmap_mode="c", allow_pickle=False)
            if not isinstance(stored, np.memmap) or stored.dtype != np.uint8 or len(stored) < len(y[split]):
                return None
            x[split] = stored[: len(y[split])]
        return Arrays(x, y, int(told["classes"])), told
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(entry: Path, listing: Listing, decode: Decode, skip_bad: bool) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    clear_away(entry.parent.glob(".decoded-*.tmp"))
    work = hidden_of(entry)
    work.mkdir(mode=0o700)
    try:
        _decode_all(work, listing, decode, skip_bad)
        settle(work, entry, lambda found: _read(found) is not None, hidden_of)
    finally:
        delete(work)


def _decode_all(work: Path, listing: Listing, decode: Decode, skip_bad: bool) -> None:
    bad = dict.fromkeys(listing.strays, "another kind of file")
    labels: dict[str, list[int]] = {}
    digest, shape = hashlib.sha256(json.dumps(listing.classes).encode()), None
    for split in SPLITS:
        shape, labels[split] = _decode_split(work / f"{split}.npy", listing, split, decode, shape, bad)
        digest.update(json.dumps(labels[split]).encode())
    if bad and not skip_bad:
        raise refuse_bad(listing.root, bad)
    _require_all(listing, labels)
    for split in SPLITS:
        stored = np.load(work / f"{split}.npy", mmap_mode="r", allow_pickle=False)
        for first in range(0, len(labels[split]), _CHUNK):
            digest.update(
                np.ascontiguousarray(stored[first : first + _CHUNK][: len(labels[split]) - first]).data
            )
    skipped = sorted(str(path.relative_to(listing.root)) for path in bad)
    told = {
        "digest": digest.hexdigest(), "classes": len(listing.classes), "skipped": skipped, "labels": labels,
    }  # fmt: skip
    (work / "about.json").write_text(json.dumps(told), "utf-8")


def _decode_split(
    target: Path,
    listing: Listing,
    split: str,
    decode: Decode,
    shape: tuple[int, ...] | None,
    bad: dict[Path, str],
) -> tuple[tuple[int, ...] | None, list[int]]:
    """Fill one array; returns the images' shape and the labels. Bad files are added to `bad`."""
    files, stored = listing.files[split], None
    labels: list[int] = []
    for path, label in files:
        try:
            image = decode(path)
        except BadFile as error:
            bad[path] = str(error)
            continue
        shape = shape or image.shape
        if image.shape != shape:
            sizes = " and ".join(f"{one[0]} x {one[1]}" for one in (shape, image.shape))
            name = path.relative_to(listing.root)
            raise DataError(
                f"{listing.root}: images of several sizes, {sizes} ({name}); set `size` to resize them"
            )
        if stored is None:
            stored = np.lib.format.open_memmap(target, "w+", np.uint8, (len(files), *shape))
        stored[len(labels)] = image
        labels.append(label)
    if stored is not None:
        stored.flush()
    return shape, labels


def _require_all(listing: Listing, labels: dict[str, list[int]]) -> None:
    present = set(labels["train"])
    for label, name in enumerate(listing.classes):
        if label not in present:
            raise DataError(f"{listing.root}: no readable file to train on in class {name}")
    if not labels["test"]:
        raise DataError(f"{listing.root}: no readable file to test on")
