"""What killed processes left in a store under temporary names, cleared away."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from ownmark.runner.places import unfinished
from ownmark.scratch import DAY, abandoned, delete

MARKER = ".run-"
"""What the name of a file begins with by which workers see that a store is shared; needed while they are greeted."""


def sweep(root: Path) -> None:
    """Remove them, and what shows workers of former runs that they see the store."""
    for leftover in unfinished(root):
        _, process, host, *_ = (*leftover.name.split("-"), "", "")
        if leftover.name.startswith(".tmp-") and abandoned(leftover, process, host):
            delete(leftover)
    for marker in root.glob(f"{MARKER}*"):
        with suppress(OSError):
            if time.time() - marker.lstat().st_mtime > DAY:
                marker.unlink(missing_ok=True)
