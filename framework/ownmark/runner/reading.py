"""Stages that read networks: utility, evidence, thresholds, and the verdict with its metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.config import to_plain
from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.loading import require_numbers
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import WhiteBox, black_box, outputs
from ownmark.errors import NotApplicable, Unreadable, UnusableAnswer
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Cell, Spec, TaskSpec, specs
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.making import Making
from ownmark.runner.plan import VerdictRule
from ownmark.runner.resolve import Method
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents, StoredEntry
from ownmark.runner.verdict import no_verdict, verdict
from ownmark.stats import Threshold, calibrated_threshold, clopper_pearson, exact_threshold

FED = frozenset({Need.PREDICTIONS, Need.REFERENCE, Need.EVIDENCE, Need.THRESHOLD, Need.WEIGHTS})
"""What metrics can be given; see `Reading._feeds`."""

UNREADABLE = (Unreadable, UnusableAnswer, NotApplicable)
"""What reading a suspect may end with that is a result. `NotApplicable` is what packs raised before `Unreadable`."""

READER_VERSION = 3
"""Raise it when this module's stages come to mean something else."""


class Reading:
    """Nodes that evaluate what `Making` made."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._methods = making.methods
        self._engine = making.engine
        self._verdict = making.plan.verdict
        self._metrics = [spec for entry in making.plan.metrics for spec in specs(entry)]

    # --- utility ------------------------------------------------------------------------------------------------

    def utility_metric(self, task: TaskSpec) -> Method:
        """The metric that says whether the task's networks are worth having."""
        host = self._methods.get(Kind.HOST, task.host).instance
        return self._methods.get(Kind.METRIC, Spec(host.utility, "{}", host.utility))

    @once(lambda cell: (cell.task, cell.seed))
    def host_utility(self, cell: Cell) -> Node:
        """Utility of the owner's unmarked network."""
        node = self._making.host(cell.task, f"seed {cell.seed}")
        return self._utility(cell.task, node, lambda: self._making.host_network(cell.task, node))

    @once(lambda cell: (cell.task, cell.scheme, cell.seed))
    def marked_utility(self, cell: Cell) -> Node:
        """Utility of the marked network."""
        node = self._making.marked(cell)
        return self._utility(cell.task, node, lambda: self._making.marked_network(cell))

    @once(lambda cell: (cell.task, cell.scheme, cell.attack, cell.seed, cell.given))
    def suspect_utility(self, cell: Cell) -> Node:
        """Utility of what the attacker serves."""
        making = self._making
        node = making.suspect(cell)
        return self._utility(cell.task, node, lambda: making.served(cell, making.suspect_network(cell)))

    def _utility(self, task: TaskSpec, of: Node, network: Any) -> Node:
        metric = self.utility_metric(task)
        about = {"metric": metric.identity, "network": of.digest, "version": READER_VERSION}

        def compute(bench: Bench) -> Contents:
            test = self._making.splits(task.dataset).test
            self._engine.get(of)
            answers = outputs(network(), test.x)
            found = measured(metric, {Need.PREDICTIONS: lambda: (answers, test.labels)})
            return Contents(found | {"answers": bool(torch.isfinite(answers).any())})

        return Node("utility", f"{metric.declaration.id} of {of.label}", about, compute, (of, *of.parents))

    # --- evidence -----------------------------------------------------------------------------------------------

    @once(lambda cell: cell)
    def evidence(self, cell: Cell) -> Node:
        """What the extractor reads out of the suspect, and further rates on the test set."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        suspect, marked = self._making.suspect(cell), self._making.marked(cell)
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
        network = require_numbers(self._making.suspect_network(cell))
        served = self._making.served(cell, network)
        front = self._read(cell, method, network if method.needs(Need.WHITE_BOX) else served)
        values = dict(front[0])
        if served is not network and not method.needs(Need.WHITE_BOX):
            values["bare"] = self._read(cell, method, network)[0]
        pictures = self._pictures(cell, method, network if method.needs(Need.WHITE_BOX) else served)
        files = {"matches": {"matches": front[1].to(torch.uint8)}}
        return Contents(values, {**files, **({"exhibits": pictures} if pictures else {})})

    def _read(self, cell: Cell, method: Method, network: nn.Module) -> tuple[dict[str, Any], Tensor]:
        extractor: Extractor = method.instance
        key = self._making.key(cell)
        own = self._making.marked_network(cell) if method.needs(Need.OWN_COPY) else None
        view = WhiteBox(network) if method.needs(Need.WHITE_BOX) else black_box(network)
        found = extractor.extract(view, key, own)
        queries = getattr(view, "queries", 0)
        test = self._making.splits(cell.task.dataset).test
        try:
            rates = dict(extractor.measure(view, key, test))
        except UNREADABLE:  # further rates may need more of the network than the evidence does
            rates = {}
        values = {
            "access": "white-box" if method.needs(Need.WHITE_BOX) else "black-box",
            **_describe(found),
            "queries": queries,
            "measured": {name: {"hits": rate.hits, "n": rate.n} for name, rate in rates.items()},
        }
        return values, found.matches

    def _pictures(self, cell: Cell, method: Method, network: nn.Module) -> dict[str, Tensor]:
        """What the extractor shows; of inputs also what the deployed network gets to see of them."""
        extractor: Extractor = method.instance
        view = WhiteBox(network) if method.needs(Need.WHITE_BOX) else black_box(network)
        try:
            shown = dict(extractor.exhibits(view, self._making.key(cell)))
        except UNREADABLE:
            return {}
        shape = self._making.splits(cell.task.dataset).shape
        inputs = {name: images for name, images in shown.items() if tuple(images.shape[1:]) == shape}
        served = {name: self._making.preview(cell, images) for name, images in inputs.items()}
        return shown | {f"{name}, as served": x for name, x in served.items() if x is not None}

    # --- thresholds ---------------------------------------------------------------------------------------------

    @once(lambda cell: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def threshold(self, cell: Cell) -> Node:
        """Hits needed for a claim, from null models and fresh keys (or the embedded key, where only that reads)."""
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        own = self.reads_own_key(cell)
        nulls = self._making.nulls(cell.task)
        parents = (*nulls, self._making.marked(cell)) if own else tuple(nulls)
        about = {
            "scheme": scheme.identity, "extractor": extractor.identity, "nulls": [null.digest for null in nulls],
            "rule": _deciding(self._verdict), "marked": self._making.marked(cell).digest if own else "",
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            keys = self.keys(cell, "null key", self._verdict.keys)
            found = self.null_evidence(cell, nulls, keys)
            rates = [[one.rate for one in row] for row in found]
            first = found[0][0]
            threshold = threshold_of(
                [[one.hits for one in row] for row in found], first.n, first.chance, self._verdict.rate
            )
            return Contents({"threshold": threshold.to_dict(), "null_rates": rates, "chance": first.chance})

        return Node("threshold", f"{cell.task.label} {cell.scheme.label}", about, compute, parents)

    def keys(self, cell: Cell, purpose: str, count: int) -> list[Key]:
        """Keys that mark nothing: fresh ones, or the embedded key where only that can be read."""
        if self.reads_own_key(cell):
            return [self._making.key(cell)]
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        task = self._making.task(cell.task)
        return [scheme.make_key(task, rng_for(purpose, i)) for i in range(count)]

    def null_evidence(self, cell: Cell, nulls: Sequence[Node], keys: Sequence[Key]) -> list[list[Evidence]]:
        """What the cell's extractor reads out of each null model with each key."""
        return self.read_all(cell, (self._making.host_network(cell.task, null) for null in nulls), keys)

    def read_all(
        self, cell: Cell, networks: Iterable[nn.Module], keys: Sequence[Key]
    ) -> list[list[Evidence]]:
        """Evidence [networks][keys] of the cell's extractor, the keys of a network in one call."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        copy = self._making.marked_network(cell) if extractor.needs(Need.OWN_COPY) else None
        white, reader = extractor.needs(Need.WHITE_BOX), extractor.instance
        return [
            reader.extract_many(WhiteBox(network) if white else black_box(network), keys, copy)
            for network in networks
        ]

    def reads_own_key(self, cell: Cell) -> bool:
        """Whether the cell's key is born in embedding, so that no fresh one can be drawn."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        return extractor.needs(Need.OWN_COPY) or any(
            one.needs(Need.EMBEDDED_KEY) for one in (extractor, scheme)
        )

    # --- verdict and metrics ------------------------------------------------------------------------------------

    @once(lambda cell: cell)
    def judged(self, cell: Cell) -> Node:
        """The verdict on the evidence, and the plan's metrics."""
        parts = {"evidence": self.evidence(cell), "threshold": self.threshold(cell)}
        metrics = {spec.label: self._methods.get(Kind.METRIC, spec) for spec in self._metrics}
        host = self._making.host(cell.task, f"seed {cell.seed}")
        about = {
            **{name: node.digest for name, node in parts.items()},
            "metrics": {label: metric.identity for label, metric in metrics.items()},
            "host": host.digest, "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            evidence = self._engine.get(parts["evidence"])
            found = _verdict(evidence, self._engine.get(parts["threshold"]).values)
            feeds = self._feeds(cell, host, evidence, found)
            values = {label: _measured_if_fed(metric, feeds) for label, metric in metrics.items()}
            return Contents({"verdict": found, "metrics": values})

        return Node("judged", cell.label, about, compute, (*parts.values(), *parts["evidence"].parents, host))

    def _feeds(
        self, cell: Cell, host: Node, evidence: StoredEntry, found: Mapping[str, Any]
    ) -> dict[Need, Any]:
        making, test = self._making, self._making.splits(cell.task.dataset).test

        def answers() -> Tensor:
            return outputs(making.served(cell, making.suspect_network(cell)), test.x)

        feeds = {
            Need.PREDICTIONS: lambda: (answers(), test.labels),
            Need.REFERENCE: lambda: (answers(), outputs(making.host_network(cell.task, host), test.x)),
            Need.WEIGHTS: lambda: (making.suspect_network(cell), making.marked_network(cell)),
        }
        if "unreadable" in evidence.values:
            return feeds
        matches = evidence.tensors("matches")["matches"].bool()
        return feeds | {Need.EVIDENCE: lambda: (matches,), Need.THRESHOLD: lambda: (matches, found["theta"])}


def _measured_if_fed(metric: Method, feeds: Mapping[Need, Any]) -> dict[str, Any]:
    """As `measured`; no value for a metric of evidence where none could be read."""
    if any(metric.needs(need) for need in feeds):
        return measured(metric, feeds)
    return {"value": None, "higher_is_better": metric.instance.higher_is_better}


def measured(metric: Method, feeds: Mapping[Need, Any]) -> dict[str, Any]:
    """Value of a metric, with n and a 95 % interval where it is a proportion.

    Args:
        feeds: makes the arguments of `update`, by what the metric's declaration needs.
    """
    counter = metric.instance
    counter.reset()
    need = next(need for need in feeds if metric.needs(need))
    counter.update(*(part.cpu() if isinstance(part, Tensor) else part for part in feeds[need]()))
    value = float(counter.compute())
    found: dict[str, Any] = {"value": _finite(value), "higher_is_better": counter.higher_is_better}
    if hasattr(counter, "hits"):
        hits, n = int(counter.hits), int(counter.total)
        found |= {"hits": hits, "n": n, "interval": interval(hits, n)}
    return found


def interval(hits: int, n: int) -> list[float]:
    """95 % Clopper-Pearson interval of a proportion, as a JSON-ready pair."""
    if n == 0:
        return [0.0, 1.0]
    bounds = clopper_pearson(hits, n)
    return [bounds.low, bounds.high]


def _describe(evidence: Evidence) -> dict[str, Any]:
    return {
        "hits": evidence.hits, "n": evidence.n, "rate": evidence.rate, "symbol": evidence.symbol,
        "chance": evidence.chance, "extras": {k: _finite(v) for k, v in evidence.extras.items()},
    }  # fmt: skip


def _unreadable(method: Method, error: Exception) -> dict[str, Any]:
    """The evidence of a suspect that cannot be read: none, and why."""
    access = "white-box" if method.needs(Need.WHITE_BOX) else "black-box"
    nothing = dict.fromkeys(("hits", "n", "rate", "symbol", "chance"))
    return {"access": access, **nothing, "extras": {}, "unreadable": str(error), "queries": 0, "measured": {}}


def _finite(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _deciding(rule: VerdictRule) -> dict[str, Any]:
    """The part of a verdict's rule that thresholds depend on; `every_epoch` only adds to records."""
    return {name: value for name, value in to_plain(rule).items() if name != "every_epoch"}


def threshold_of(hits: list[list[int]], n: int, chance: float | None, rate: float) -> Threshold:
    """The threshold at `rate` for n symbols: exact where chance is known, else set on null hits [models][keys]."""
    return calibrated_threshold(hits, n, rate) if chance is None else exact_threshold(n, chance, rate, hits)


def _verdict(evidence: StoredEntry, calibration: Mapping[str, Any]) -> dict[str, Any]:
    threshold = Threshold.from_dict(calibration["threshold"])
    if "unreadable" in evidence.values:
        return no_verdict(threshold, calibration["null_rates"])
    hits, n, chance = evidence.values["hits"], evidence.values["n"], evidence.values["chance"]
    return verdict(hits, n, chance, threshold, calibration["null_rates"])
