"""What a run would compute, without computing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ownmark.discovery import Catalog
from ownmark.runner.cell import expand
from ownmark.runner.session import PlanSource, prepare


@dataclass(frozen=True)
class Survey:
    """A plan that was checked.

    Args:
        cells: of the plan. impossible: of these, the ones whose record will only say why they cannot be run.
        stages: by kind, how many are in the store, of how many.
    """

    cells: int
    impossible: int
    stages: dict[str, tuple[int, int]]

    @property
    def missing(self) -> int:
        """Stages to compute."""
        return sum(of - stored for stored, of in self.stages.values())


def survey(
    plan: PlanSource,
    *,
    out: str | Path | None = None,
    store: str | Path | None = None,
    device: str = "auto",
    catalog: Catalog | None = None,
) -> Survey:
    """Check a plan as `run` does, and look up which of its stages are stored; arguments as for `run`.

    Raises:
        PlanError: the plan cannot run.
    """
    with TemporaryDirectory() as nowhere:  # a run folder that is not named is not made either
        session = prepare(plan, out or nowhere, store, device, None, catalog)
    cells, graph = expand(session.plan), session.graph()
    all_of, stored = Counter[str](), Counter[str]()
    for node in graph.nodes.values():
        all_of[node.stage] += 1
        stored[node.stage] += session.engine.done(node)
    misfits = sum(session.making.misfits.of(cell) is not None for cell in cells)
    return Survey(len(cells), misfits, {kind: (stored[kind], of) for kind, of in all_of.items()})
