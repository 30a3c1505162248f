"""The laundering paper's threshold: the highest rate that unmarked networks show at any epoch of their training.

An owner may stop after any epoch, so an unmarked network may be any of these. It states no error rate and stands
beside the calibrated threshold, which decides.
"""

from __future__ import annotations

from typing import Any

from ownmark.runner.cell import Cell
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.making import Making
from ownmark.runner.nulls import NullModels
from ownmark.runner.store import Contents
from ownmark.stats import laundering_threshold

VANILLA_VERSION = 1


class Vanilla:
    """Null models read after every epoch."""

    def __init__(self, making: Making, nulls: NullModels) -> None:
        self._making = making
        self._nulls = nulls
        self._rule = making.plan.verdict

    def nodes(self, cell: Cell) -> dict[str, Node]:
        """Stage `vanilla`, with the stages of the null models that it reads; none where the plan asks for none."""
        making, task = self._making, cell.task
        models = self._nulls.readable(cell, making.hosts.innocents(task, "null", self._rule.every_epoch))
        nulls = {f"{null.about['purpose']} by epoch": making.hosts.epochs(task, null) for null in models}
        return nulls | ({"vanilla": self._maximum(cell, list(nulls.values()))} if nulls else {})

    @once(lambda cell, nulls: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def _maximum(self, cell: Cell, nulls: list[Node]) -> Node:
        """`rates` [null models][epochs][keys] and their `maximum`."""
        threshold = self._nulls.threshold(cell)
        about = {
            "threshold": threshold.digest, "nulls": [null.digest for null in nulls],
            "version": VANILLA_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            rates = [self._read(cell, null) for null in nulls]
            every = [
                rate for model in rates for epoch in model for rate in epoch
            ]  # not all train equally long
            return Contents({"rates": rates, "maximum": laundering_threshold(every)})

        return Node(
            "vanilla", f"{cell.task.label} {cell.scheme.label}", about, compute, (*threshold.parents, *nulls)
        )

    def _read(self, cell: Cell, null: Node) -> list[list[float]]:
        """Rates [epochs][keys] of one null model, with the very keys of the threshold."""
        keys = self._nulls.keys(cell, "null key", self._rule.keys)
        networks = self._making.hosts.epoch_networks(cell.task, null)
        return [[found.rate for found in row] for row in self._nulls.read_all(cell, networks, keys)]


def above_vanilla(rate: float, maximum: float) -> dict[str, Any]:
    """What the laundering paper would say of a suspect's rate: marked if no vanilla network ever reached it."""
    return {"vanilla_maximum": maximum, "above_vanilla": rate > maximum}
