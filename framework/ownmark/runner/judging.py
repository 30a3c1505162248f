"""Stages that judge: the verdict, and the plan's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ownmark.contracts.tasks import Goal
from ownmark.methods import Kind, Need
from ownmark.runner.asking import OF_ANSWERS, Asked, Feeds
from ownmark.runner.cell import Cell, specs
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.kept import UNLIKE
from ownmark.runner.measuring import measured_if_fed
from ownmark.runner.nulls import NullModels
from ownmark.runner.reading import READER_VERSION, Reading
from ownmark.runner.store import Contents, StoredEntry
from ownmark.runner.thresholds import guess_of, threshold_of
from ownmark.runner.verdict import Basis, no_verdict, verdict
from ownmark.runner.whose import Whose
from ownmark.stats import (
    Knowing,
    Threshold,
    rank_among,
)

FED = frozenset({*OF_ANSWERS, Need.EVIDENCE, Need.THRESHOLD, Need.WEIGHTS})
"""What metrics can be given; see `Judging._feeds`."""


class Judging:
    """Nodes of verdicts, from what was read.

    Attributes:
        nulls: of null models. whose: of decoys.
    """

    def __init__(self, reading: Reading) -> None:
        making = reading.making
        self._reading, self._making = reading, making
        self._methods, self._engine = making.methods, making.engine
        self._verdict = making.plan.verdict
        self._metrics = [spec for entry in making.plan.metrics for spec in specs(entry)]
        self.nulls = NullModels(reading)
        self.whose = Whose(reading, self.nulls)

    @once(lambda cell: cell)
    def judged(self, cell: Cell) -> Node:
        """The verdict on the evidence, and the plan's metrics."""
        parts = {
            "evidence": self._reading.evidence(cell),
            "threshold": self.nulls.threshold(cell),
            "own nulls": self.nulls.own_nulls(cell),
        }
        if (decoys := self.whose.decoys(cell)) is not None:
            parts["decoys"] = decoys
        metrics = {spec.label: self._methods.get(Kind.METRIC, spec) for spec in self._metrics}
        host = self._making.own_host(cell)
        about = {
            **{name: node.digest for name, node in parts.items()},
            "metrics": {label: metric.identity for label, metric in metrics.items()},
            "host": host.digest, "tests": self._verdict.tests, "public": self.whose.key_bits(cell) == 0,
            "version": READER_VERSION, "rule": self._methods.source("ownmark.runner.verdict"),
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            evidence = self._engine.get(parts["evidence"])
            found = self._decided(cell, evidence)
            feeds = self._feeds(cell, host, evidence, found)
            values = {label: measured_if_fed(metric, feeds) for label, metric in metrics.items()}
            return Contents({"verdict": found, "metrics": values})

        return Node("judged", cell.label, about, compute, (*parts.values(), *parts["evidence"].parents, host))

    def basis(self, cell: Cell, nulls: bool = True) -> Basis:
        """What the cell's verdict rests on, from finished stages.

        Args:
            nulls: False for evidence whose chance is known: null models move no such threshold, and none are read.
        """
        evidence, decoys = self._engine.get(self._reading.evidence(cell)).values, self.whose.decoys(cell)
        if nulls:
            threshold = Threshold.from_dict(self._engine.get(self.nulls.threshold(cell)).values["threshold"])
            own = self._engine.get(self.nulls.own_nulls(cell)).values["rates"]
        else:
            guess = guess_of(evidence["symbol"], self._making.tasks.splits(cell.task.dataset).classes)
            threshold = threshold_of([], evidence["n"], evidence["chance"], self._verdict.rate, guess)
            own = []
        controls = evidence.get("controls")
        ranked = None
        if decoys is not None and evidence["rate"] is not None:
            rates = self._engine.get(decoys).values["rates"]
            ranked = rank_among(evidence["rate"], rates) if rates else None
        born = UNLIKE if ranked is None and self.nulls.reads_own_key(cell) else ""
        return Basis(
            threshold, own, ranked, born, self._verdict.tests,
            self.whose.key_bits(cell) == 0, None if controls is None else Knowing(**controls),
        )  # fmt: skip

    def _decided(self, cell: Cell, evidence: StoredEntry) -> dict[str, Any]:
        read = evidence.values
        if "unreadable" in read:
            return no_verdict(self.basis(cell))
        return verdict(read["hits"], read["n"], read["chance"], self.basis(cell))

    def _feeds(self, cell: Cell, host: Node, evidence: StoredEntry, found: Mapping[str, Any]) -> Feeds:
        making, task, test = self._making, cell.task, self._making.tasks.splits(cell.task.dataset).test
        suspect = Asked(making, task, lambda: making.served(cell, making.suspect_network(cell)), test)
        unmarked = Asked(making, task, lambda: making.hosts.host_network(task, host), test)
        feeds = {
            **suspect.feeds, Need.WEIGHTS: lambda: (making.suspect_network(cell), making.marked_network(cell)),
        }  # fmt: skip
        if making.tasks.goal(task) is Goal.CLASSIFICATION:
            feeds[Need.REFERENCE] = lambda: (suspect.answers, unmarked.answers)
        if "unreadable" in evidence.values:
            return feeds
        matches = evidence.tensors("matches")["matches"].bool()
        return feeds | {Need.EVIDENCE: lambda: (matches,), Need.THRESHOLD: lambda: (matches, found["theta"])}
