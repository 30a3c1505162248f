"""Packs in folders, without pip: `ownmark --pack path/to/folder ...`, or OWNMARK_PACKS with several."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from importlib_metadata import EntryPoint
from packaging.requirements import InvalidRequirement, Requirement

from ownmark.discovery.index import Source, canonical
from ownmark.discovery.problems import Problem
from ownmark.hookspecs import GROUP

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

PACKS = "OWNMARK_PACKS"


def folders() -> tuple[Path, ...]:
    """What OWNMARK_PACKS names, separated as PATH is."""
    return tuple(Path(part) for part in os.environ.get(PACKS, "").split(os.pathsep) if part)


def local_packs() -> tuple[list[Source], list[Problem]]:
    """The entry points of these folders' pyproject.toml; the folders can be imported from afterwards."""
    sources: list[Source] = []
    problems: list[Problem] = []
    for folder in folders():
        try:
            sources += _read(folder.resolve())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            name = canonical(folder.name) or str(folder)
            problems.append(Problem(name, "local", "", f"{folder} is no pack: {_why(error)}"))
    return sources, problems


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return "it has no pyproject.toml that can be read"
    return f"its pyproject.toml lacks a name or entry points of the group `{GROUP}` ({error})"


def _read(folder: Path) -> list[Source]:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named: Mapping[str, str] = project["entry-points"][GROUP]
    place = folder / "src" if (folder / "src").is_dir() else folder
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
    requires = tuple(_requirements(project))
    version = str(project.get("version", "local"))
    return [
        Source(EntryPoint(name=name, value=value, group=GROUP), canonical(project["name"]), version, requires)
        for name, value in named.items()
    ]


def _requirements(project: Mapping[str, Any]) -> Iterator[Requirement]:
    for line in project.get("dependencies", ()):
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue
