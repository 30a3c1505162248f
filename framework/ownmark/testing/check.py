"""What a check is, and the list of all of them."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ownmark.methods import Declaration, Kind, Need

if TYPE_CHECKING:
    from ownmark.testing.subject import Subject

Function = Callable[["Subject"], None]


class CheckFailed(AssertionError):
    """A method does not do what its contract says; the message says what is wrong and what to do."""


class CheckSkipped(unittest.SkipTest):
    """A check that cannot be made on this machine, with the reason; pytest takes it for a skipped test."""


class Inapplicable(CheckSkipped):
    """A check that says nothing of this method; no gap in what was checked."""


class Outlived(Exception):
    """A check that is passed, by something that still works as older contracts had it; says what to change."""


@dataclass(frozen=True)
class Check:
    """One property that methods must have.

    Args:
        id: such as `attack-leaves-victim-untouched`. description: one line.
        function: raises `CheckFailed` or `CheckSkipped`, or returns.
        applies: chooses declarations. light: does not import the method, so a missing optional package does
            not matter.
        thorough: costs another embedding or training, or looks at what only careful packs get right; made by
            `ownmark check` and left out of a pack's quick tests.
    """

    id: str
    description: str
    function: Function
    applies: Callable[[Declaration], bool]
    light: bool = False
    thorough: bool = False

    def __str__(self) -> str:
        return self.id


REGISTRY: dict[str, Check] = {}
"""Every check by id, in the order in which they are made."""


def check(
    *kinds: Kind,
    needs: Collection[Need] = (),
    idle: bool = False,
    light: bool = False,
    thorough: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as a check; its name is the id, the first line of its docstring the description.

    Args:
        kinds: of the methods it is for; none: all. needs: only for methods that declare all of these.
        idle: only for methods that declare arguments with which they change nothing. light, thorough: see `Check`.
    """

    def applies(declaration: Declaration) -> bool:
        fits = not kinds or declaration.kind in kinds
        return fits and set(needs) <= declaration.needs and bool(declaration.idle or not idle)

    def register(function: Function) -> Function:
        name = function.__name__.replace("_", "-")
        description = (function.__doc__ or "").strip().partition("\n")[0]
        REGISTRY[name] = Check(name, description, function, applies, light, thorough)
        return function

    return register


def require(condition: object, message: str) -> None:
    """Fail the check with `message` unless `condition` holds."""
    if not condition:
        raise CheckFailed(message)
