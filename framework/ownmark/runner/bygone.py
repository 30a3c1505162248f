"""What an earlier run's records say of packs that are gone, so that whoever misses a method knows what to install."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ownmark.discovery import Catalog

_MOST = 1000
"""Records that are looked at."""


def missing_packs(folder: Path, catalog: Catalog) -> list[str]:
    """One sentence for each pack that the run in `folder` was made with and that is not installed."""
    needed = {name: version for packs in _recorded(folder) for name, version in packs.items()}
    return [
        f"{folder.name} was run before with {name} {version}, which is not installed: pip install '{name}=={version}'"
        for name, version in sorted(needed.items())
        if not catalog.version(name) and isinstance(version, str) and version
    ]


def _recorded(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The distributions that each record names, with their versions."""
    for path in sorted((folder / "records").glob("*.json"))[:_MOST]:
        try:
            packs = json.loads(path.read_text(encoding="utf-8"))["provenance"]["packs"]
        except (OSError, ValueError, KeyError, TypeError):  # of version 0.1, or no record: it says nothing
            continue
        if isinstance(packs, Mapping):
            yield packs
