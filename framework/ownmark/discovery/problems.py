"""What discovery reports: problems, rows of `ownmark plugins`, checked parameters. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ownmark.methods import Declaration


@dataclass(frozen=True)
class Problem:
    """Something wrong with a pack, pinned on the distribution that has to mend it."""

    distribution: str
    version: str
    """Of the distribution; `"unknown"` if it does not say."""
    entry_point: str
    """Name of the entry point; empty if the distribution's list of entry points cannot be read."""
    message: str
    """What is wrong and what to do."""
    lost: bool = True
    """Whether the catalogue lacks something for it; False for a method that is listed and cannot run here."""

    def __str__(self) -> str:
        where = f", entry point {self.entry_point!r}" if self.entry_point else ""
        return f"{self.distribution} {self.version}{where}: {self.message}"


@dataclass(frozen=True)
class Pack:
    """One installed distribution that has entry points of the group `ownmark`."""

    distribution: str
    version: str
    entry_points: tuple[str, ...]
    """All of them, disabled ones included."""
    methods: int
    """How many methods it brought."""
    problems: tuple[Problem, ...] = ()
    disabled: tuple[str, ...] = ()
    """The entry points that were skipped."""
    seconds: float = 0.0
    """That looking for its methods took."""
    requires: frozenset[str] = frozenset()
    """Canonical names of the distributions that it requires."""


class Lacking(str):
    """A problem of this machine and not of the plan: an optional package that a method needs is not installed."""

    __slots__ = ()


class Checked(NamedTuple):
    """The parameters of one method, checked; unpacks into three."""

    declaration: Declaration
    config: Any
    """Instance of the method's parameter class; None without one, or if the parameters do not fit it."""
    problems: list[str]
    """One sentence each, `Lacking` those that a `pip install` mends; empty: the method can be built."""
