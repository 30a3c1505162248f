"""Which entry points there are, whose they are, and which of them to skip; nothing is imported yet."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from importlib_metadata import EntryPoint, distributions, entry_points

from ownmark.discovery.problems import Problem
from ownmark.hookspecs import GROUP

DISABLE = "OWNMARK_DISABLE"
CORE = "ownmark"
UNKNOWN = "unknown"


def canonical(name: str) -> str:
    """A distribution's name as pip compares it: `Acme_Marks` is `acme-marks`."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Source:
    """An entry point with the distribution it belongs to."""

    entry: EntryPoint
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """Name of the entry point."""
        return self.entry.name

    @property
    def handles(self) -> frozenset[str]:
        """The names by which a user can disable it."""
        return frozenset(
            {self.distribution, self.distribution.removeprefix("ownmark-"), canonical(self.name)}
        )

    def problem(self, message: str, lost: bool = True) -> Problem:
        """Pin `message` on the distribution."""
        return Problem(self.distribution, self.version, self.name, message, lost)


def label(entry: EntryPoint) -> Source:
    """Find out whose `entry` is; without metadata, the name of its package has to do."""
    name, version = _identity(entry.dist) if entry.dist is not None else ("", UNKNOWN)
    return Source(entry, name or canonical(re.split(r"[.:\s]", entry.value)[0]), version)


def installed() -> tuple[list[Source], list[Problem]]:
    """All entry points of the group `ownmark`, and the distributions whose lists cannot be read."""
    try:
        return [label(entry) for entry in entry_points(group=GROUP)], []
    except Exception:  # one damaged entry_points.txt, of any distribution, stops importlib_metadata
        return _one_by_one(distributions())


def _one_by_one(dists: Iterable[Any]) -> tuple[list[Source], list[Problem]]:
    sources: list[Source] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for dist in dists:
        name, version = _identity(dist)
        if name in seen:  # shadowed by an earlier folder of sys.path
            continue
        seen |= {name} - {""}
        try:
            sources += [label(entry) for entry in dist.entry_points.select(group=GROUP)]
        except Exception as error:
            if f"[{GROUP}]" in (dist.read_text("entry_points.txt") or ""):
                message = f"its entry_points.txt is damaged ({error}). pip install --force-reinstall {name}"
                problems.append(Problem(name or UNKNOWN, version, "", message))
    return sources, problems


def _identity(dist: Any) -> tuple[str, str]:
    """Canonical name and version; a dist-info folder without METADATA has neither."""
    return canonical(_metadata(dist, "name")), _metadata(dist, "version") or UNKNOWN


def _metadata(dist: Any, name: str) -> str:
    try:
        return str(getattr(dist, name) or "")
    except Exception:
        return ""


def names_in_environment() -> tuple[str, ...]:
    """What `OWNMARK_DISABLE` asks to skip."""
    return tuple(name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip())


def index(sources: Iterable[Source], disabled: Collection[str]) -> tuple[list[Source], list[Source]]:
    """Split sources, in a fixed order, into those to load and those to skip.

    Args:
        disabled: distributions, packs or entry points by name; `"*"` is everything but the core.
    """
    ordered = sorted(sources, key=lambda source: (source.distribution, source.name))
    names = {name if name == "*" else canonical(name) for name in disabled}
    for name in sorted(names - {"*"} - {handle for source in ordered for handle in source.handles}):
        logging.getLogger("ownmark").warning(
            "%s: no distribution, pack or entry point is called %r", DISABLE, name
        )
    skipped = [s for s in ordered if s.handles & names or ("*" in names and s.distribution != CORE)]
    return [source for source in ordered if source not in skipped], skipped
