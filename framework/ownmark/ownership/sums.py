"""SHA-256 of every file of a folder, in `sums.json`: whatever was changed since is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ownmark.errors import UntrustedFile
from ownmark.foreign import shown
from ownmark.hashing import sha256_of
from ownmark.ownership.folder import inside
from ownmark.ownership.folder.places import json_of

SUMS, FORMAT = "sums.json", "ownmark sums 1"


def _files(folder: Path) -> dict[str, Path]:
    """All that is no folder; a link to one included."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }
    found.pop(SUMS, None)
    return found


def _text(sums: dict[str, str]) -> str:
    return json.dumps({"format": FORMAT, "sha256": sums}, indent=1, sort_keys=True)


def write_sums(folder: Path) -> None:
    """Write `sums.json` over all files that are in the folder now."""
    (folder / SUMS).write_text(_text(sums_of(folder)))


def sums_text(folder: Path, instead: Mapping[str, str]) -> str:
    """What `sums.json` will say once the folder holds these texts, by name, instead of what it holds now."""
    new = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in instead.items()}
    return _text({**sums_of(folder), **new})


def sum_of(path: Path) -> str:
    """SHA-256, hex, of a plain file; empty for anything else."""
    return sha256_of(path) if path.is_file() else ""


def sums_of(folder: Path) -> dict[str, str]:
    """SHA-256, hex, of every file of a folder, by name."""
    return {name: sum_of(path) for name, path in _files(folder).items()}


def coming(folder: Path) -> Path:
    """Where a new `claim.json` lies, with its sums, while it replaces the one in `folder`."""
    return folder.with_name(f"{folder.name}.next")


def complete(folder: Path) -> None:
    """Finish what a process began that was killed once the sums named the new claim, and before that was in its place.

    A mark that nothing can be written to is left as it is.
    """
    new, claim = coming(folder), folder / "claim.json"
    if new.is_symlink() or not new.is_dir():
        return
    with suppress(OSError, KeyError, TypeError, UntrustedFile):  # what is wrong is said by who reads the mark
        named = json_of(inside(folder, SUMS), FORMAT)["sha256"][claim.name]
        if named == sum_of(new / claim.name) != sum_of(claim):
            (new / claim.name).replace(claim)
    with suppress(OSError):
        new.rmdir()


def require_same(folder: Path, known: Any) -> None:
    """Refuse files that differ from what `sums_of` gave; they may be gone, and others may have come.

    Args:
        known: as a claim has it, which may come from anybody; None in one that was made before sums were kept.

    Raises:
        UntrustedFile: names the file.
    """
    for name, path in _files(folder).items() if known is not None else ():
        if not isinstance(known, Mapping) or known.get(name, sum_of(path)) != sum_of(path):
            raise UntrustedFile(f"{path}: was changed since the mark was made")


def require_sums(folder: Path) -> None:
    """Refuse a folder in which a byte has changed.

    Raises:
        UntrustedFile: names the file that was changed, added or removed, or `sums.json`.
    """
    path = folder / SUMS
    try:
        text = inside(folder, SUMS).read_text(encoding="utf-8")
        known = json.loads(text)["sha256"]
        plain = all(isinstance(one, str) for pair in known.items() for one in pair) and text == _text(known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UntrustedFile(f"{path}: cannot be read, or was changed") from error
    if not plain:
        raise UntrustedFile(f"{path}: was changed")
    found = _files(folder)
    for name in sorted(known.keys() | found.keys()):
        if name not in found:
            raise UntrustedFile(f"{folder}: {shown(name, 200)} is missing, which {SUMS} names")
        file = found[name]
        if name not in known or file.is_symlink() or not file.is_file():
            raise UntrustedFile(f"{file}: does not belong here by {SUMS}")
        if hashlib.sha256(file.read_bytes()).hexdigest() != known[name]:
            raise UntrustedFile(f"{file}: was changed since {SUMS} was written")
