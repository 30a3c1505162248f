"""Marks that name code or files, and that this user embedded on this machine: these are used without being asked.

`embed` leaves a note in the user's state folder, named after what the mark says of its code; nobody who sends a mark
can leave one there. A mark that says something else afterwards is a stranger's again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

_SAYING = ("released/model.json", "owner/claim.json")
"""Files of a mark that name methods and their parameters."""


def remember(mark: Path, claim: bytes | None = None) -> None:
    """Note that the mark is the user's own; where nothing can be noted, `--trust-mark` will be asked for.

    Args:
        claim: what its claim is about to say: noted first, a process that is killed then leaves no stranger's mark.
    """
    with suppress(OSError):
        note = _note(mark, claim)
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.touch(mode=0o600)


def is_mine(mark: Path) -> bool:
    """Whether this user embedded this mark here."""
    try:
        return _note(mark).is_file()
    except OSError:
        return False


def _note(mark: Path, claim: bytes | None = None) -> Path:
    state = hashlib.sha256()
    for name in _SAYING:
        said = claim if claim is not None and name == _SAYING[-1] else (mark / name).read_bytes()
        state.update(f"{name}\0{len(said)}\0".encode() + said)
    return _folder() / state.hexdigest()


def _folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".local" / "state") / "ownmark" / "marks"
