"""Where stages run. They are pure functions of inputs, parameters and seed, so the place changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ownmark.runner.engine import PATIENCE, Engine, Progress
from ownmark.runner.graph import Front, Graph, Node
from ownmark.runner.yamlfile import Document


@dataclass(frozen=True)
class Work:
    """What is to be computed, and all that another process needs to compute it too.

    Args:
        document: the plan as it was written. packs: distributions of the methods that it uses.
    """

    graph: Graph[Any]
    engine: Engine
    document: Document
    progress: Progress
    packs: frozenset[str] = frozenset()


class Executor(Protocol):
    """Computes the nodes of a graph as they become ready."""

    def run(self, work: Work) -> Iterator[Node]:
        """Every node once, as soon as it is in the store or has failed, parents first.

        Of a node that failed `engine.get` raises the error; whatever is made from it fails with the same.
        """
        ...


_BESIDE = 7
"""Stages that are computed together with one, at most."""


class InProcess:
    """One stage after the other, in this process; those that another process on the store computes, later.

    Args:
        together: compute stages that may be (`Node.together`) side by side, up to eight; of use on a GPU only.
    """

    def __init__(self, together: bool = False) -> None:
        self.together = together

    def run(self, work: Work) -> Iterator[Node]:
        """See `Executor`."""
        front, elsewhere, engine = Front(work.graph), list[Node](), work.engine
        while front or elsewhere:
            if front:
                node = front.pop()
                beside = front.pop_beside(node, _BESIDE) if self.together else []
                asked = _settled(engine, [node, *beside])
            else:
                asked, elsewhere = ((node, engine.settle(node)) for node in elsewhere), []
            moved = False
            for one, settled in asked:
                if settled:
                    moved = True
                    front.settle(one)
                    yield one
                else:
                    elsewhere.append(one)
            if not moved and not front:  # once a round: many may be computed elsewhere
                time.sleep(PATIENCE)


def _settled(engine: Engine, nodes: list[Node]) -> Iterator[tuple[Node, bool]]:
    if len(nodes) == 1:
        yield nodes[0], engine.settle(nodes[0])
    else:
        yield from zip(nodes, engine.settle_together(nodes), strict=True)
