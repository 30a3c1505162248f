"""Where cells run. Stages are pure functions of inputs, parameters and seed, so the place changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ownmark.runner.cell import Cell

Work = Callable[[Cell], dict[str, Any]]


class Executor(Protocol):
    """Runs cells and gives their records as they finish, in any order."""

    def run(self, cells: Iterable[Cell], work: Work) -> Iterator[dict[str, Any]]:
        """`work` never raises; a failed cell has a record too."""
        ...


class InProcess:
    """One cell after the other, in this process."""

    def run(self, cells: Iterable[Cell], work: Work) -> Iterator[dict[str, Any]]:
        """See `Executor`."""
        for cell in cells:
            yield work(cell)
