"""Python code that is steered by values: both ways of a condition are walked, other uses freeze their module.

`if x.mean() > 0:` asks for a truth value: what it depends on is frozen, so both networks take the same way, and each
way is walked once. `int(x.max())` may steer anything: every value that the module which asks handles itself is
frozen then, and only what lies inside of its sub-modules stays free.
"""

from __future__ import annotations

MAX_PATHS = 16
"""Ways through a network that are walked; a module that asks for more is loose."""


class Loose(BaseException):
    """A module's code reads values. No Exception, so that no `except Exception` of a network swallows it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path, self.reason = path, reason


class Unseen(BaseException):
    """A tensor is used that nobody saw being made: was it there before the network ran?"""


class Flow:
    """The ways that are still to be walked, as the truth values on them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[bool, ...]] = [()]
        self.planned = 1
        self._way: tuple[bool, ...] = ()
        self._taken: list[bool] = []

    def start(self) -> bool:
        """Take the next way; whether it is one that the example did not take."""
        self._way, self._taken = self.waiting.pop(), []
        return bool(self._way)

    def decide(self, truth: bool, path: str) -> bool:
        """The truth value to go on with.

        Raises:
            Loose: there are too many ways.
        """
        turn = len(self._taken)
        if turn < len(self._way):
            self._taken.append(self._way[turn])
            return self._way[turn]
        if self.planned >= MAX_PATHS:
            raise Loose(path, "values of the input decide too often which way it takes")
        self.planned += 1
        self.waiting.append((*self._taken, not truth))
        self._taken.append(truth)
        return truth
