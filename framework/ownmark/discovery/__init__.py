"""From the packs installed beside ownmark to a frozen catalogue of methods.

    index.py     entry points of the group `ownmark` -> sources, each labelled with distribution and version
    plugins.py   source -> its module, registered and asked through pluggy -> declarations, or a problem
    catalog.py   declarations -> names, look-up, building
    nested.py    methods as parameters of other methods
    build.py     declaration + parameters -> configuration -> instance, nested methods included
    sentences.py what is wrong with parameters, in words
    suggest.py   the sentences for a name that is not there or is claimed twice

Nothing a pack does wrong stops the others: it becomes a `Problem` that names the distribution and its
version. Importing this package loads neither torch nor pydantic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from ownmark.discovery.catalog import Catalog
from ownmark.discovery.index import (
    Source,
    canonical,
    index,
    installed,
    installed_twice,
    label,
    names_allowed,
    names_in_environment,
)
from ownmark.discovery.local import local_packs
from ownmark.discovery.nested import nested_fields
from ownmark.discovery.plugins import Harvest, harvest
from ownmark.discovery.problems import Checked, Pack, Problem
from ownmark.discovery.sealing import asked_for

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

__all__ = ["Catalog", "Checked", "Pack", "Problem", "clear", "discover", "nested_fields"]


def discover(
    entry_points: Iterable[EntryPoint] | None = None, disabled: Collection[str] | None = None
) -> Catalog:
    """Load every pack and return what they bring.

    Without arguments the catalogue is made once per process; `clear` forgets it.

    Args:
        entry_points: instead of those installed; their `dist` says whom they belong to.
        disabled: names of distributions, packs or entry points to skip, `"*"` for all but the core; by
            default those in the environment variable `OWNMARK_DISABLE`, separated by commas.
    """
    asked_for("the catalogue")
    if entry_points is None and disabled is None:
        return _discover_once()
    names = names_in_environment() if disabled is None else disabled
    if entry_points is None:
        return _discover(*_everything(), names)
    return _discover([label(entry) for entry in entry_points], [], names)


def clear() -> None:
    """Forget the catalogue of this process, so that the next `discover()` looks again."""
    _discover_once.cache_clear()


@lru_cache(maxsize=1)
def _discover_once() -> Catalog:
    return _discover(*_everything(), names_in_environment())


def _everything() -> tuple[list[Source], list[Problem]]:
    """What is installed, and the packs in folders, which go before installed ones of the same distribution."""
    sources, problems = installed()
    local, faults = local_packs()
    names = {source.distribution for source in local}
    return [*local, *(one for one in sources if one.distribution not in names)], [
        *problems,
        *installed_twice(sources),
        *faults,
    ]


def _discover(sources: list[Source], unreadable: list[Problem], names: Collection[str]) -> Catalog:
    active, skipped = index(sources, names, names_allowed())
    found = harvest(active)
    problems = (*unreadable, *found.problems)
    return Catalog(
        methods=found.methods,
        problems=problems,
        packs=_packs(active, skipped, found, problems),
        observers=found.observers,
    )


def _packs(
    active: list[Source], skipped: list[Source], found: Harvest, problems: tuple[Problem, ...]
) -> tuple[Pack, ...]:
    """One row per distribution, also for those disabled or unreadable."""
    labels = {s.distribution: s.version for s in (*active, *skipped)}
    labels = {p.distribution: p.version for p in problems} | labels
    return tuple(
        Pack(
            distribution=name,
            version=version,
            entry_points=tuple(s.name for s in (*active, *skipped) if s.distribution == name),
            methods=sum(method.distribution == name for method in found.methods),
            problems=tuple(p for p in problems if p.distribution == name),
            disabled=tuple(s.name for s in skipped if s.distribution == name),
            seconds=found.seconds.get(name, 0.0),
            requires=frozenset(
                canonical(one.name)
                for s in (*active, *skipped)
                if s.distribution == name
                for one in s.requires
            ),
        )
        for name, version in sorted(labels.items())
    )
