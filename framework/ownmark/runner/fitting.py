"""What does not fit: methods for other tasks, or whose `check` refuses a task's host, and the cells concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ownmark.methods import Kind
from ownmark.runner.cell import Cell, Spec, TaskSpec

Place = tuple[str | int, ...]
"""Path of a plan's entry: `("schemes", 0)`."""


@dataclass(frozen=True)
class Misfit:
    """A method that says of a task's host that it cannot work on it.

    Args:
        message: in the method's own words.
    """

    kind: Kind
    spec: Spec
    task: TaskSpec
    message: str

    def described(self) -> dict[str, str]:
        """For records."""
        return {"kind": str(self.kind), "method": self.spec.label, "message": self.message}


class Misfits:
    """Everything that was found not to fit, by cell."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, Spec, TaskSpec], Misfit] = {}

    def add(self, misfits: Iterable[Misfit]) -> None:
        """Remember these."""
        self._found |= {(one.kind, one.spec, one.task): one for one in misfits}

    def of(self, cell: Cell) -> Misfit | None:
        """Why the cell cannot be; None if it can."""
        for kind, spec in (
            (Kind.SCHEME, cell.scheme), (Kind.ATTACK, cell.attack), (Kind.EXTRACTOR, cell.extractor),
        ):  # fmt: skip
            if spec is not None and (found := self._found.get((kind, spec, cell.task))) is not None:
                return found
        return None

    def possible(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """The cells that can be."""
        return (cell for cell in cells if self.of(cell) is None)


class Fitting:
    """What a plan's check finds while it tries methods on tasks."""

    def __init__(self) -> None:
        self._tried: Counter[tuple[Place, Kind, Spec]] = Counter()
        self._misfits: list[tuple[Place, Misfit]] = []

    def tried(self, place: Place, kind: Kind, spec: Spec) -> None:
        """The method of the plan's entry at `place` is tried on one more task."""
        self._tried[place, kind, spec] += 1

    def misfit(self, place: Place, misfit: Misfit) -> None:
        """It does not fit."""
        self._misfits.append((place, misfit))

    def mistakes(self) -> list[tuple[Place, Misfit]]:
        """Those of methods that fit none of the tasks they were tried on: no gap in a grid but a mistake."""
        counts = Counter((place, one.kind, one.spec) for place, one in self._misfits)
        nowhere = {key for key, count in counts.items() if count == self._tried[key]}
        return [(place, one) for place, one in self._misfits if (place, one.kind, one.spec) in nowhere]

    def gaps(self) -> list[Misfit]:
        """The others."""
        mistakes = self.mistakes()
        return [one for place, one in self._misfits if (place, one) not in mistakes]
