"""Packs made importable and discoverable without pip: a dist-info folder beside the package."""

from __future__ import annotations

import re
from pathlib import Path


def entry_points(pyproject: Path) -> dict[str, str]:
    """The entry points of the group `ownmark` in a pyproject.toml."""
    section = pyproject.read_text().partition("[project.entry-points.ownmark]\n")[2].partition("\n[")[0]
    return dict(re.findall(r'^(\w+) = "(.+)"$', section, re.MULTILINE))


def dist_info(root: Path, name: str, entries: dict[str, str]) -> None:
    """Write what pip would have written for the distribution `name`, below a folder of `sys.path`."""
    folder = root / f"{name.replace('-', '_')}-0.1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = [f"{entry} = {value}\n" for entry, value in entries.items()]
    (folder / "entry_points.txt").write_text("[ownmark]\n" + "".join(lines))
