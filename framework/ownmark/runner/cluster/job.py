"""What a worker is told once: where the plan, the store and the user's code are. Plain JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One run, as its workers need it.

    Args:
        text, name: of the plan. store: a folder that all see, or an address. device: `cpu` or `cuda`.
        run: a word that the run's workers share, also the name of the file that shows that the store is shared.
        folder, path: where relative paths of the plan begin, and where Python looks for the user's code.
        modules: whose files decide the digests; watched from before the first of them is imported.
        facts: the driver's versions, see `handshake`.
    """

    text: str
    name: str
    store: str
    device: str
    run: str
    folder: str
    path: tuple[str, ...]
    modules: tuple[str, ...]
    facts: Mapping[str, Any]

    def spelled(self) -> str:
        """As one string."""
        return json.dumps(asdict(self), sort_keys=True)


def job_of(text: str) -> Job:
    """The job that was spelled so."""
    found = json.loads(text)
    return Job(**{**found, "path": tuple(found["path"]), "modules": tuple(found["modules"])})


def python_path() -> tuple[str, ...]:
    """Where this process looks for code, as absolute folders."""
    return tuple(dict.fromkeys(os.path.abspath(entry) for entry in sys.path))
