"""Stages that read networks: utility and evidence."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.loading import require_numbers
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Goal
from ownmark.contracts.views import BlackBox, WhiteBox
from ownmark.errors import NotApplicable, Unreadable, UnusableAnswer
from ownmark.methods import Kind, Need
from ownmark.runner.asking import Asked
from ownmark.runner.cell import Cell, Spec, TaskSpec
from ownmark.runner.controls import are_classes, asked, draw_controls
from ownmark.runner.evident import evident
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.making import Making
from ownmark.runner.measuring import measured, number
from ownmark.runner.qualify import full_name
from ownmark.runner.resolve import Method
from ownmark.runner.seeds import rng_for
from ownmark.runner.showing import samples
from ownmark.runner.store import Contents
from ownmark.stats import (
    Knowing,
)

UNREADABLE = (Unreadable, UnusableAnswer, NotApplicable)
"""What reading a suspect may end with that is a result. `NotApplicable` is what packs raised before `Unreadable`."""

READER_VERSION = 5
"""Raise it when this module's stages come to mean something else."""


class Reading:
    """Nodes that evaluate what `Making` made."""

    def __init__(self, making: Making) -> None:
        self.making = making
        self._methods = making.methods
        self._engine = making.engine

    def utility_metric(self, task: TaskSpec) -> Method:
        """The metric that says whether the task's networks are worth having."""
        host = self._methods.get(Kind.HOST, task.host).instance
        metric = self._methods.catalog.find(
            Kind.METRIC, host.utility, self._methods.home(Kind.HOST, task.host)
        )
        return self._methods.get(Kind.METRIC, Spec(full_name(metric), "{}", metric.id))

    @once(lambda cell: (cell.task, cell.seed))
    def host_utility(self, cell: Cell) -> Node:
        """Utility of the owner's unmarked network."""
        node = self.making.own_host(cell)
        return self._utility(cell.task, node, lambda: self.making.hosts.host_network(cell.task, node))

    @once(lambda cell: (cell.task, cell.scheme, cell.seed))
    def marked_utility(self, cell: Cell) -> Node:
        """Utility of the marked network."""
        node = self.making.marked(cell)
        return self._utility(cell.task, node, lambda: self.making.marked_network(cell))

    @once(lambda cell: (cell.task, cell.scheme, cell.attack, cell.seed, cell.given))
    def suspect_utility(self, cell: Cell) -> Node:
        """Utility of what the attacker serves."""
        making = self.making
        node = making.suspect(cell)
        return self._utility(cell.task, node, lambda: making.served(cell, making.suspect_network(cell)))

    def _utility(self, task: TaskSpec, of: Node, network: Any) -> Node:
        metric = self.utility_metric(task)
        about = {"metric": metric.identity, "network": of.digest, "version": READER_VERSION}

        def compute(bench: Bench) -> Contents:
            test = self.making.tasks.splits(task.dataset).test
            self._engine.get(of)
            asked_of = Asked(self.making, task, network, test)
            found = measured(metric, asked_of.feeds)
            return Contents(found | {"answers": bool(torch.isfinite(asked_of.answers).any())})

        return Node("utility", f"{metric.declaration.id} of {of.label}", about, compute, (of, *of.parents))

    @once(lambda cell: cell)
    def evidence(self, cell: Cell) -> Node:
        """What the extractor reads out of the suspect, and further rates on the test set."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        suspect, marked = self.making.suspect(cell), self.making.marked(cell)
        about = {
            "extractor": method.identity, "suspect": suspect.digest, "marked": marked.digest, "seed": cell.seed,
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            self._engine.get(suspect)
            try:
                return self._found(cell, method)
            except UNREADABLE as error:
                if cell.attack is None:  # the owner's own network: not an attacker's doing
                    raise
                return Contents(_unreadable(method, error))

        return Node("evidence", f"{cell.label} {method.declaration.id}", about, compute, (suspect, marked))

    def _found(self, cell: Cell, method: Method) -> Contents:
        network = require_numbers(self.making.suspect_network(cell))
        served = self.making.served(cell, network)
        front = self._read(cell, method, network if method.needs(Need.WHITE_BOX) else served)
        values = dict(front[0])
        if served is not network and not method.needs(Need.WHITE_BOX):
            values["bare"] = self._read(cell, method, network)[0]
        pictures = self._pictures(cell, method, network if method.needs(Need.WHITE_BOX) else served)
        made, texts = samples(self.making, cell.task, self._before_and_after(cell, served))
        pictures |= made
        values |= {"samples": texts} if texts else {}
        files = {"matches": {"matches": front[1].to(torch.uint8)}}
        return Contents(values, {**files, **({"exhibits": pictures} if pictures else {})})

    def _before_and_after(self, cell: Cell, served: nn.Module) -> dict[str, nn.Module]:
        """The marked network, and what its thief deploys."""
        attacked = {"attacked": served} if cell.attack else {}
        return {"marked": self.making.marked_network(cell), **attacked}

    def _read(self, cell: Cell, method: Method, network: nn.Module) -> tuple[dict[str, Any], Tensor]:
        extractor: Extractor = method.instance
        key = self.making.key(cell)
        own = self.making.marked_network(cell) if method.needs(Need.OWN_COPY) else None
        view = self.view(cell, network)
        found = evident(extractor.extract(view, key, own))
        queries = getattr(view, "queries", 0)
        knowing = None if method.needs(Need.WHITE_BOX) else self._knowing(cell, network)
        test = self.making.tasks.splits(cell.task.dataset).test
        try:
            rates = dict(extractor.measure(view, key, test))
        except UNREADABLE:  # further rates may need more of the network than the evidence does
            rates = {}
        values = {
            "access": "white-box" if method.needs(Need.WHITE_BOX) else "black-box",
            **_describe(found),
            "queries": queries,
            "controls": knowing and asdict(knowing),
            "measured": {name: {"hits": rate.hits, "n": rate.n} for name, rate in rates.items()},
        }
        return values, found.matches

    def view(self, cell: Cell, network: nn.Module) -> WhiteBox | BlackBox:
        """A network as the cell's extractor sees it."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        return (
            WhiteBox(network) if method.needs(Need.WHITE_BOX) else self.making.tasks.box(cell.task, network)
        )

    def knows_classes(self, task: TaskSpec) -> bool:
        """Whether clean images tell who knows the task."""
        classifies = self.making.tasks.goal(task) is Goal.CLASSIFICATION
        return classifies and are_classes(self.making.tasks.splits(task.dataset).test)

    def controls(self, cell: Cell) -> Samples | None:
        """Clean images that a black box is asked first; None for tasks without classes."""
        splits = self.making.tasks.splits(cell.task.dataset)
        if not self.knows_classes(cell.task):
            return None
        rng = rng_for("controls", self.making.own_seed(cell))
        return draw_controls(splits.test, splits.owner, splits.classes, rng)

    def _knowing(self, cell: Cell, network: nn.Module) -> Knowing | None:
        """What a black box knows of the task, beside what the marked network knows."""
        controls = self.controls(cell)
        if controls is None:
            return None
        box = functools.partial(self.making.tasks.box, cell.task)
        reference = asked(box(self.making.marked_network(cell)), controls, None).right
        return asked(box(network), controls, reference)

    def _pictures(self, cell: Cell, method: Method, network: nn.Module) -> dict[str, Tensor]:
        """What the extractor shows; of inputs also what the deployed network gets to see of them."""
        extractor: Extractor = method.instance
        view = self.view(cell, network)
        try:
            shown = dict(extractor.exhibits(view, self.making.key(cell)))
        except UNREADABLE:
            return {}
        inputs = {name: images for name, images in shown.items() if self._is_asked(cell.task, images)}
        served = {name: self.making.preview(cell, images) for name, images in inputs.items()}
        return shown | {f"{name}, as served": x for name, x in served.items() if x is not None}

    def _is_asked(self, task: TaskSpec, images: Tensor) -> bool:
        """Whether pictures are what the task's networks are asked about."""
        asked_pixels = self.making.tasks.goal(task) is not Goal.GENERATION
        return asked_pixels and tuple(images.shape[1:]) == self.making.tasks.splits(task.dataset).shape


def _describe(evidence: Evidence) -> dict[str, Any]:
    return {
        "hits": evidence.hits, "n": evidence.n, "rate": evidence.rate, "symbol": evidence.symbol,
        "chance": evidence.chance, "extras": {k: number(v) for k, v in evidence.extras.items()},
    }  # fmt: skip


def _unreadable(method: Method, error: Exception) -> dict[str, Any]:
    """The evidence of a suspect that cannot be read: none, and why."""
    access = "white-box" if method.needs(Need.WHITE_BOX) else "black-box"
    nothing = dict.fromkeys(("hits", "n", "rate", "symbol", "chance"))
    return {"access": access, **nothing, "extras": {}, "unreadable": str(error), "queries": 0, "measured": {}}
