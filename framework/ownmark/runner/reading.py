"""Stages that read networks: utility, evidence, thresholds, and the verdict with its metrics."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.loading import require_numbers
from ownmark.contracts.returned import returned
from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import Goal
from ownmark.contracts.views import BlackBox, WhiteBox
from ownmark.errors import NotApplicable, Unreadable, UnusableAnswer
from ownmark.methods import Kind, Need
from ownmark.runner.asking import OF_ANSWERS, Asked, Feeds
from ownmark.runner.cell import Cell, Spec, TaskSpec, specs
from ownmark.runner.controls import are_classes, asked, draw_controls
from ownmark.runner.decoys import decoy_rates, decoys_for, fresh_keys, key_bits
from ownmark.runner.distinct import distinct
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.making import Making
from ownmark.runner.noisy import parts_of
from ownmark.runner.plan import VerdictRule
from ownmark.runner.qualify import full_name
from ownmark.runner.resolve import Method
from ownmark.runner.seeds import rng_for
from ownmark.runner.showing import samples
from ownmark.runner.store import Contents, StoredEntry
from ownmark.runner.verdict import BORN, Basis, no_verdict, verdict
from ownmark.stats import (
    Knowing,
    Threshold,
    calibrated_threshold,
    clopper_pearson,
    exact_threshold,
    rank_among,
)

FED = frozenset({*OF_ANSWERS, Need.EVIDENCE, Need.THRESHOLD, Need.WEIGHTS})
"""What metrics can be given; see `Reading._feeds`."""

_IMAGES = {
    "pool": "trained on images the owner never had",
    "half": "on half of the owner's",
    "owner": "on the owner's images",
}

UNREADABLE = (Unreadable, UnusableAnswer, NotApplicable)
"""What reading a suspect may end with that is a result. `NotApplicable` is what packs raised before `Unreadable`."""

READER_VERSION = 5
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
        metric = self._methods.catalog.find(
            Kind.METRIC, host.utility, self._methods.home(Kind.HOST, task.host)
        )
        return self._methods.get(Kind.METRIC, Spec(full_name(metric), "{}", metric.id))

    @once(lambda cell: (cell.task, cell.seed))
    def host_utility(self, cell: Cell) -> Node:
        """Utility of the owner's unmarked network."""
        node = self._making.own_host(cell)
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
            asked_of = Asked(self._making, task, network, test)
            found = measured(metric, asked_of.feeds)
            return Contents(found | {"answers": bool(torch.isfinite(asked_of.answers).any())})

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
        made, texts = samples(self._making, cell.task, self._before_and_after(cell, served))
        pictures |= made
        values |= {"samples": texts} if texts else {}
        files = {"matches": {"matches": front[1].to(torch.uint8)}}
        return Contents(values, {**files, **({"exhibits": pictures} if pictures else {})})

    def _before_and_after(self, cell: Cell, served: nn.Module) -> dict[str, nn.Module]:
        """The marked network, and what its thief deploys."""
        attacked = {"attacked": served} if cell.attack else {}
        return {"marked": self._making.marked_network(cell), **attacked}

    def _read(self, cell: Cell, method: Method, network: nn.Module) -> tuple[dict[str, Any], Tensor]:
        extractor: Extractor = method.instance
        key = self._making.key(cell)
        own = self._making.marked_network(cell) if method.needs(Need.OWN_COPY) else None
        view = self.view(cell, network)
        found = returned(extractor.extract(view, key, own), Evidence, "extract")
        queries = getattr(view, "queries", 0)
        knowing = None if method.needs(Need.WHITE_BOX) else self._knowing(cell, network)
        test = self._making.splits(cell.task.dataset).test
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
        return WhiteBox(network) if method.needs(Need.WHITE_BOX) else self._making.box(cell.task, network)

    def _knows_classes(self, task: TaskSpec) -> bool:
        """Whether clean images tell who knows the task."""
        classifies = self._making.goal(task) is Goal.CLASSIFICATION
        return classifies and are_classes(self._making.splits(task.dataset).test)

    def controls(self, cell: Cell) -> Samples | None:
        """Clean images that a black box is asked first; None for tasks without classes."""
        splits = self._making.splits(cell.task.dataset)
        if not self._knows_classes(cell.task):
            return None
        rng = rng_for("controls", self._making.own_seed(cell))
        return draw_controls(splits.test, splits.owner, splits.classes, rng)

    def _knowing(self, cell: Cell, network: nn.Module) -> Knowing | None:
        """What a black box knows of the task, beside what the marked network knows."""
        controls = self.controls(cell)
        if controls is None:
            return None
        box = functools.partial(self._making.box, cell.task)
        reference = asked(box(self._making.marked_network(cell)), controls, None).right
        return asked(box(network), controls, reference)

    def _pictures(self, cell: Cell, method: Method, network: nn.Module) -> dict[str, Tensor]:
        """What the extractor shows; of inputs also what the deployed network gets to see of them."""
        extractor: Extractor = method.instance
        view = self.view(cell, network)
        try:
            shown = dict(extractor.exhibits(view, self._making.key(cell)))
        except UNREADABLE:
            return {}
        inputs = {name: images for name, images in shown.items() if self._is_asked(cell.task, images)}
        served = {name: self._making.preview(cell, images) for name, images in inputs.items()}
        return shown | {f"{name}, as served": x for name, x in served.items() if x is not None}

    def _is_asked(self, task: TaskSpec, images: Tensor) -> bool:
        """Whether pictures are what the task's networks are asked about."""
        asked_pixels = self._making.goal(task) is not Goal.GENERATION
        return asked_pixels and tuple(images.shape[1:]) == self._making.splits(task.dataset).shape

    # --- thresholds ---------------------------------------------------------------------------------------------

    @once(lambda cell: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def threshold(self, cell: Cell) -> Node:
        """Hits needed for a claim, from null models and fresh keys (or the embedded key, where only that reads)."""
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        own = self.reads_own_key(cell)
        nulls = self.nulls(cell)
        parents = (*nulls, self._making.marked(cell)) if own else tuple(nulls)
        about = {
            "scheme": scheme.identity, "extractor": extractor.identity, "nulls": [null.digest for null in nulls],
            "rule": _deciding(self._verdict), "marked": self._making.marked(cell).digest if own else "",
            "statistics": self._methods.source("ownmark.stats"),
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            keys, kept = self.keys(cell, "null key", self._verdict.keys), self.competent(cell, nulls)
            found = self.null_evidence(cell, kept, keys)
            rates = [[one.rate for one in row] for row in found]
            first = found[0][0]
            if first.chance is None:
                require_reachable(self._verdict.rate, len(kept))
            threshold = threshold_of(
                [[one.hits for one in row] for row in found], first.n, first.chance, self._verdict.rate,
                guess_of(first.symbol, self._making.splits(cell.task.dataset).classes),
            )  # fmt: skip
            return Contents({"threshold": threshold.to_dict(), "null_rates": rates, "chance": first.chance})

        return Node("threshold", f"{cell.task.label} {cell.scheme.label}", about, compute, parents)

    def keys(self, cell: Cell, purpose: str, count: int) -> list[Key]:
        """Keys that mark nothing: fresh ones, or the embedded key where only that can be read."""
        if self.reads_own_key(cell):
            return [self._making.key(cell)]
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        task = self._making.task(cell.task, cell.scheme)
        return [scheme.make_key(task, rng_for(purpose, i)) for i in range(count)]

    def nulls(self, cell: Cell) -> list[Node]:
        """The null models that the cell's extractor can read: of weights, those of the task's own host."""
        return self.readable(cell, self._making.nulls(cell.task))

    def readable(self, cell: Cell, networks: Sequence[Node]) -> list[Node]:
        """Of unmarked networks, those the cell's extractor can read."""
        white = self._methods.extractor_of(cell.scheme, cell.extractor).needs(Need.WHITE_BOX)
        own = [one for one in networks if self._making.built_as(cell.task, one) == cell.task]
        return own if white else list(networks)

    def competent(self, cell: Cell, networks: Sequence[Node]) -> list[Node]:
        """Of unmarked networks, those that know the task: no other could be claimed by its answers; all, if none does.

        A network that gives one label to everything matches every trigger of that label, and no verdict would count it.
        """
        splits = self._making.splits(cell.task.dataset)
        white = self._methods.extractor_of(cell.scheme, cell.extractor).needs(Need.WHITE_BOX)
        if white or not self._knows_classes(cell.task):
            return list(networks)
        controls = draw_controls(splits.test, splits.owner, splits.classes, rng_for("null controls"))
        making = self._making
        boxes = {one: making.box(cell.task, making.host_network(cell.task, one)) for one in networks}
        return [one for one, box in boxes.items() if asked(box, controls, None).beats_constant] or list(
            networks
        )

    def null_words(self, cell: Cell) -> str:
        """What the null models were, for records: their number, images and hosts."""
        making, nulls = self._making, self.nulls(cell)
        trained = [parts_of(str(null.about.get("images", "owner"))) for null in nulls]
        kinds = Counter(which for which, _ in trained)
        told = [f"{kinds[kind]} {words}" for kind, words in _IMAGES.items() if kinds[kind]]
        if noisy := sum(amount > 0 for _, amount in trained):
            told.append(f"{noisy} of them with noise")
        hosts = Counter(making.built_as(cell.task, null).host.label for null in nulls)
        of = ", ".join(f"{count} {host}" for host, count in hosts.items()) if len(hosts) > 1 else ""
        return ", ".join(told) + (f"; {of}" if of else "")

    def null_evidence(self, cell: Cell, nulls: Sequence[Node], keys: Sequence[Key]) -> list[list[Evidence]]:
        """What the cell's extractor reads out of each null model with each key."""
        networks = (self._making.host_network(cell.task, null) for null in nulls)
        return self.read_all(cell, distinct(networks), keys)

    def read_all(
        self, cell: Cell, networks: Iterable[nn.Module], keys: Sequence[Key]
    ) -> list[list[Evidence]]:
        """Evidence [networks][keys] of the cell's extractor, the keys of a network in one call."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        copy = self._making.marked_network(cell) if extractor.needs(Need.OWN_COPY) else None
        reader: Extractor = extractor.instance
        return [reader.extract_many(self.view(cell, network), keys, copy) for network in networks]

    def reads_own_key(self, cell: Cell) -> bool:
        """Whether the cell's key is born in embedding, so that no fresh one can be drawn."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        return extractor.needs(Need.OWN_COPY) or any(
            one.needs(Need.EMBEDDED_KEY) for one in (extractor, scheme)
        )

    # --- whose --------------------------------------------------------------------------------------------------

    @once(lambda cell: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def own_nulls(self, cell: Cell) -> Node:
        """What the owner's own key reads on each null model: one value a network, `rates` [null models]."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        nulls, marked = self.nulls(cell), self._making.marked(cell)
        about = {
            "extractor": extractor.identity, "nulls": [null.digest for null in nulls], "marked": marked.digest,
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            found = self.null_evidence(cell, self.competent(cell, nulls), [self._making.key(cell)])
            return Contents({"rates": [row[0].rate for row in found]})

        label = f"{cell.task.label} {cell.scheme.label} seed {cell.seed}"
        return Node("own nulls", label, about, compute, (*nulls, marked))

    def decoys(self, cell: Cell) -> Node | None:
        """What fresh keys read on the suspect: `rates`, and the `queries` they cost; None where none can be drawn."""
        if self.reads_own_key(cell) or self._verdict.tests == "nulls":
            return None
        return self._decoys(cell)

    @once(lambda cell: cell)
    def _decoys(self, cell: Cell) -> Node:
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        scheme, read = self._methods.get(Kind.SCHEME, cell.scheme), self.evidence(cell)
        count = self.decoy_count(cell)
        about = {
            "scheme": scheme.identity, "evidence": read.digest, "count": count, "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            if "unreadable" in self._engine.get(read).values:
                return Contents({"rates": [], "queries": 0})
            network = self._making.suspect_network(cell)
            white = method.needs(Need.WHITE_BOX)
            view = self.view(cell, network if white else self._making.served(cell, network))
            rates = decoy_rates(method.instance, view, self.decoy_keys(cell), count)
            return Contents({"rates": rates, "queries": getattr(view, "queries", 0)})

        return Node("decoys", f"{cell.label} {method.declaration.id}", about, compute, (read, *read.parents))

    def fresh_rates(self, cell: Cell, network: Node, count: int) -> list[float]:
        """What `count` decoys read on an unmarked network; nothing for 0."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        view = self.view(cell, self._making.host_network(cell.task, network))
        return decoy_rates(method.instance, view, self.decoy_keys(cell), count)

    def decoy_count(self, cell: Cell) -> int:
        """How many decoys the plan reads on a suspect."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        usual = decoys_for(self._verdict.rate, method.instance, method.needs(Need.WHITE_BOX))
        return self._verdict.decoys or usual

    def decoy_keys(self, cell: Cell, purpose: str = "decoy") -> Callable[[int], Key]:
        """The i-th decoy of the cell's scheme on its task."""
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        task = self._making.task(cell.task, cell.scheme)
        return fresh_keys(scheme, task, lambda i: rng_for(purpose, i), self._making.engine.device)

    def key_bits(self, cell: Cell) -> float | None:
        """Entropy of the scheme's keys on the cell's task, in bits, as the scheme states it."""
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        return key_bits(scheme, self._making.task(cell.task, cell.scheme))

    def _decided(self, cell: Cell, evidence: StoredEntry) -> dict[str, Any]:
        read = evidence.values
        if "unreadable" in read:
            return no_verdict(self.basis(cell))
        return verdict(read["hits"], read["n"], read["chance"], self.basis(cell))

    def basis(self, cell: Cell, nulls: bool = True) -> Basis:
        """What the cell's verdict rests on, from finished stages.

        Args:
            nulls: False for evidence whose chance is known: null models move no such threshold, and none are read.
        """
        evidence, decoys = self._engine.get(self.evidence(cell)).values, self.decoys(cell)
        if nulls:
            threshold = Threshold.from_dict(self._engine.get(self.threshold(cell)).values["threshold"])
            own = self._engine.get(self.own_nulls(cell)).values["rates"]
        else:
            guess = guess_of(evidence["symbol"], self._making.splits(cell.task.dataset).classes)
            threshold = threshold_of([], evidence["n"], evidence["chance"], self._verdict.rate, guess)
            own = []
        controls = evidence.get("controls")
        ranked = None
        if decoys is not None and evidence["rate"] is not None:
            ranked = rank_among(evidence["rate"], self._engine.get(decoys).values["rates"])
        born = BORN if self.reads_own_key(cell) else ""
        return Basis(
            threshold, own, ranked, born, self._verdict.tests,
            self.key_bits(cell) == 0, None if controls is None else Knowing(**controls),
        )  # fmt: skip

    # --- verdict and metrics ------------------------------------------------------------------------------------

    @once(lambda cell: cell)
    def judged(self, cell: Cell) -> Node:
        """The verdict on the evidence, and the plan's metrics."""
        parts = {
            "evidence": self.evidence(cell), "threshold": self.threshold(cell), "own nulls": self.own_nulls(cell),
        }  # fmt: skip
        if (decoys := self.decoys(cell)) is not None:
            parts["decoys"] = decoys
        metrics = {spec.label: self._methods.get(Kind.METRIC, spec) for spec in self._metrics}
        host = self._making.own_host(cell)
        about = {
            **{name: node.digest for name, node in parts.items()},
            "metrics": {label: metric.identity for label, metric in metrics.items()},
            "host": host.digest, "tests": self._verdict.tests, "public": self.key_bits(cell) == 0,
            "version": READER_VERSION, "rule": self._methods.source("ownmark.runner.verdict"),
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            evidence = self._engine.get(parts["evidence"])
            found = self._decided(cell, evidence)
            feeds = self._feeds(cell, host, evidence, found)
            values = {label: _measured_if_fed(metric, feeds) for label, metric in metrics.items()}
            return Contents({"verdict": found, "metrics": values})

        return Node("judged", cell.label, about, compute, (*parts.values(), *parts["evidence"].parents, host))

    def _feeds(self, cell: Cell, host: Node, evidence: StoredEntry, found: Mapping[str, Any]) -> Feeds:
        making, task, test = self._making, cell.task, self._making.splits(cell.task.dataset).test
        suspect = Asked(making, task, lambda: making.served(cell, making.suspect_network(cell)), test)
        unmarked = Asked(making, task, lambda: making.host_network(task, host), test)
        feeds = {
            **suspect.feeds, Need.WEIGHTS: lambda: (making.suspect_network(cell), making.marked_network(cell)),
        }  # fmt: skip
        if making.goal(task) is Goal.CLASSIFICATION:
            feeds[Need.REFERENCE] = lambda: (suspect.answers, unmarked.answers)
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
    """The part of a verdict's rule that thresholds depend on."""
    return {name: getattr(rule, name) for name in ("rate", "null_models", "keys")}


def threshold_of(
    hits: list[list[int]], n: int, chance: float | None, rate: float, guess: float | None = None
) -> Threshold:
    """The threshold at `rate` for n symbols: exact where chance is known, else set on null hits [models][keys].

    `guess` is the chance that a random answer matches, which the threshold is never below; see `guess_of`.
    """
    if chance is None:
        return calibrated_threshold(hits, n, rate, guess)
    return exact_threshold(n, chance, rate, hits or None, guess)


def guess_of(symbol: str, classes: int) -> float | None:
    """The chance that a random answer matches a symbol: 1 / classes for labels; None where nothing is answered."""
    return 1 / classes if symbol == "label" else None


STRETCH = 10
"""How far below 1 / (null models + 1) a stated rate may rest on the shape of a distribution before it is refused."""


def require_reachable(rate: float, null_models: int) -> None:
    """A rate far below what the null models can show is no rate.

    Raises:
        NotApplicable: says how many null models it takes.
    """
    if rate * STRETCH < 1 / (null_models + 1):
        enough = models_for(rate)
        raise NotApplicable(
            f"{null_models} null models cannot tell a rate of {rate:g}: they show 1 in {null_models + 1} at best. It "
            f"takes {enough} of them (or {models_for(rate * STRETCH)}, and the shape of a distribution for the rest); "
            "raise verdict.null_models or verdict.rate"
        )


def models_for(rate: float) -> int:
    """Fewest null models that can show a rate by themselves: 19 for 0.05."""
    return math.ceil(1 / rate - 1e-9) - 1
