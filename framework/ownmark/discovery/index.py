"""Which entry points there are, whose they are, and which of them to skip; nothing is imported yet."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from importlib_metadata import EntryPoint, distributions, entry_points
from packaging.requirements import Requirement

from ownmark.discovery.problems import Problem
from ownmark.discovery.requirements import required
from ownmark.hookspecs import GROUP

DISABLE = "OWNMARK_DISABLE"
ONLY = "OWNMARK_ONLY"
CORE = "ownmark"
UNKNOWN = "unknown"


def canonical(name: str) -> str:
    """A distribution's name as pip compares it: `Acme_Marks` is `acme-marks`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_ours(distribution: str) -> bool:
    """Whether a distribution is, by its name, one of this project's."""
    return distribution == CORE or distribution.startswith(f"{CORE}-")


@dataclass(frozen=True)
class Source:
    """An entry point with the distribution it belongs to."""

    entry: EntryPoint
    distribution: str
    version: str
    requires: tuple[Requirement, ...] = ()
    """What the distribution requires here."""

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
    package = canonical(re.split(r"[.:\s]", entry.value)[0])
    return Source(entry, name or package, version, required(entry.dist) if entry.dist is not None else ())


def installed() -> tuple[list[Source], list[Problem]]:
    """All entry points of the group `ownmark`, and the distributions whose lists cannot be read."""
    try:
        return [label(entry) for entry in entry_points(group=GROUP)], []
    except Exception:  # one damaged entry_points.txt, of any distribution, stops importlib_metadata
        return _one_by_one(distributions())


def versions_of(name: str) -> tuple[str, ...]:
    """Versions in which a distribution is installed: one, or several that a broken upgrade has left side by side.

    What lies further down the path is hidden by what comes first, and does not count.
    """
    found = list(distributions(name=name))
    first = [one for one in found if one.locate_file("") == found[0].locate_file("")]
    return tuple(sorted({_identity(one)[1] for one in first}))


def installed_twice(sources: Iterable[Source]) -> list[Problem]:
    """Distributions of which two versions are on record; which of the two is found is chance."""
    found = []
    for name in sorted({source.distribution for source in sources}):
        versions = versions_of(name)
        if len(versions) > 1:
            message = (
                f"versions {' and '.join(versions)} are both on record as installed, which an upgrade that broke off "
                f"leaves behind. pip install --force-reinstall {name}, twice if need be"
            )
            found.append(Problem(name, versions[-1], "", message))
    return found


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
            if f"[{GROUP}]" in _listed(dist):
                message = f"its entry_points.txt is damaged ({error}). pip install --force-reinstall {name}"
                problems.append(Problem(name or UNKNOWN, version, "", message))
    return sources, problems


def _listed(dist: Any) -> str:
    """Text of a damaged entry_points.txt, whatever its bytes."""
    try:
        return str(dist.read_text("entry_points.txt") or "")
    except UnicodeError as error:
        found = getattr(error, "object", b"")
        return found.decode("latin-1") if isinstance(found, bytes) else ""
    except Exception:
        return ""


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
    return _names(DISABLE)


def names_allowed() -> tuple[str, ...]:
    """What `OWNMARK_ONLY` asks to load beside the core; nothing: everything."""
    return _names(ONLY)


def _names(variable: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())


def index(
    sources: Iterable[Source], disabled: Collection[str], allowed: Collection[str] = ()
) -> tuple[list[Source], list[Source]]:
    """Split sources, in a fixed order, into those to load and those to skip.

    Args:
        disabled: distributions, packs or entry points by name; `"*"` is everything but the core.
        allowed: the only ones to load beside the core; empty for all.
    """
    ordered = sorted(sources, key=lambda source: (source.distribution, source.name))
    names = {name if name == "*" else canonical(name) for name in disabled}
    only = {canonical(name) for name in allowed}
    known = {handle for source in ordered for handle in source.handles}
    for variable, asked in ((DISABLE, names - {"*"}), (ONLY, only)):
        for name in sorted(asked - known):
            logging.getLogger("ownmark").warning(
                "%s: no distribution, pack or entry point is called %r", variable, name
            )
    skipped = [s for s in ordered if _skipped(s, names, only)]
    return [source for source in ordered if source not in skipped], skipped


def _skipped(source: Source, names: Collection[str], only: Collection[str]) -> bool:
    if source.handles & set(names):
        return True
    outside = source.distribution != CORE
    return outside and ("*" in names or bool(only and not source.handles & set(only)))
