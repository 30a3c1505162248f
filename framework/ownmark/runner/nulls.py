"""Stages that read null models: thresholds, and the owner's own key on each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.scheme import Scheme
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Cell
from ownmark.runner.controls import asked, draw_controls
from ownmark.runner.distinct import distinct
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.noisy import parts_of
from ownmark.runner.plan import VerdictRule
from ownmark.runner.reading import READER_VERSION, Reading
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents
from ownmark.runner.thresholds import guess_of, require_reachable, threshold_of

_IMAGES = {
    "pool": "trained on images the owner never had",
    "half": "on half of the owner's",
    "owner": "on the owner's images",
}


class NullModels:
    """What a cell's extractor reads out of networks without a mark."""

    def __init__(self, reading: Reading) -> None:
        making = reading.making
        self._reading, self._making = reading, making
        self._methods, self._engine = making.methods, making.engine
        self._verdict = making.plan.verdict

    @once(lambda cell: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def threshold(self, cell: Cell) -> Node:
        """Hits needed for a claim, from null models and fresh keys (or the embedded key, where only that reads)."""
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        own = self.reads_own_key(cell)
        nulls = self.models(cell)
        parents = (*nulls, self._making.marked(cell)) if own else tuple(nulls)
        about = {
            "scheme": scheme.identity, "extractor": extractor.identity, "nulls": [null.digest for null in nulls],
            "rule": _deciding(self._verdict), "marked": self._making.marked(cell).digest if own else "",
            "statistics": self._methods.source("ownmark.stats"),
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            keys, kept = self.keys(cell, "null key", self._verdict.keys), self.competent(cell, nulls)
            found = self.evidence(cell, kept, keys)
            rates = [[one.rate for one in row] for row in found]
            first = found[0][0]
            if first.chance is None:
                require_reachable(self._verdict.rate, len(kept))
            threshold = threshold_of(
                [[one.hits for one in row] for row in found], first.n, first.chance, self._verdict.rate,
                guess_of(first.symbol, self._making.tasks.splits(cell.task.dataset).classes),
            )  # fmt: skip
            return Contents({"threshold": threshold.to_dict(), "null_rates": rates, "chance": first.chance})

        return Node("threshold", f"{cell.task.label} {cell.scheme.label}", about, compute, parents)

    def keys(self, cell: Cell, purpose: str, count: int) -> list[Key]:
        """Keys that mark nothing: fresh ones, or the embedded key where only that can be read."""
        if self.reads_own_key(cell):
            return [self._making.key(cell)]
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        task = self._making.tasks.task(cell.task, cell.scheme)
        return [scheme.make_key(task, rng_for(purpose, i)) for i in range(count)]

    def models(self, cell: Cell) -> list[Node]:
        """The null models that the cell's extractor can read: of weights, those of the task's own host."""
        return self.readable(cell, self._making.hosts.nulls(cell.task))

    def readable(self, cell: Cell, networks: Sequence[Node]) -> list[Node]:
        """Of unmarked networks, those the cell's extractor can read."""
        white = self._methods.extractor_of(cell.scheme, cell.extractor).needs(Need.WHITE_BOX)
        own = [one for one in networks if self._making.hosts.built_as(cell.task, one) == cell.task]
        return own if white else list(networks)

    def competent(self, cell: Cell, networks: Sequence[Node]) -> list[Node]:
        """Of unmarked networks, those that know the task: no other could be claimed by its answers; all, if none does.

        A network that gives one label to everything matches every trigger of that label, and no verdict would count it.
        """
        splits = self._making.tasks.splits(cell.task.dataset)
        white = self._methods.extractor_of(cell.scheme, cell.extractor).needs(Need.WHITE_BOX)
        if white or not self._reading.knows_classes(cell.task):
            return list(networks)
        controls = draw_controls(splits.test, splits.owner, splits.classes, rng_for("null controls"))
        making = self._making
        boxes = {
            one: making.tasks.box(cell.task, making.hosts.host_network(cell.task, one)) for one in networks
        }
        return [one for one, box in boxes.items() if asked(box, controls, None).beats_constant] or list(
            networks
        )

    def words(self, cell: Cell) -> str:
        """What the null models were, for records: their number, images and hosts."""
        making, nulls = self._making, self.models(cell)
        trained = [parts_of(str(null.about.get("images", "owner"))) for null in nulls]
        kinds = Counter(which for which, _ in trained)
        told = [f"{kinds[kind]} {words}" for kind, words in _IMAGES.items() if kinds[kind]]
        if noisy := sum(amount > 0 for _, amount in trained):
            told.append(f"{noisy} of them with noise")
        hosts = Counter(making.hosts.built_as(cell.task, null).host.label for null in nulls)
        of = ", ".join(f"{count} {host}" for host, count in hosts.items()) if len(hosts) > 1 else ""
        return ", ".join(told) + (f"; {of}" if of else "")

    def evidence(self, cell: Cell, nulls: Sequence[Node], keys: Sequence[Key]) -> list[list[Evidence]]:
        """What the cell's extractor reads out of each null model with each key."""
        networks = (self._making.hosts.host_network(cell.task, null) for null in nulls)
        return self.read_all(cell, distinct(networks), keys)

    def read_all(
        self, cell: Cell, networks: Iterable[nn.Module], keys: Sequence[Key]
    ) -> list[list[Evidence]]:
        """Evidence [networks][keys] of the cell's extractor, the keys of a network in one call."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        copy = self._making.marked_network(cell) if extractor.needs(Need.OWN_COPY) else None
        reader: Extractor = extractor.instance
        return [reader.extract_many(self._reading.view(cell, network), keys, copy) for network in networks]

    def reads_own_key(self, cell: Cell) -> bool:
        """Whether the cell's key is born in embedding, so that no fresh one can be drawn."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        scheme = self._methods.get(Kind.SCHEME, cell.scheme)
        return extractor.needs(Need.OWN_COPY) or any(
            one.needs(Need.EMBEDDED_KEY) for one in (extractor, scheme)
        )

    @once(lambda cell: (cell.task, cell.scheme, cell.extractor, cell.seed))
    def own_nulls(self, cell: Cell) -> Node:
        """What the owner's own key reads on each null model: one value a network, `rates` [null models]."""
        extractor = self._methods.extractor_of(cell.scheme, cell.extractor)
        nulls, marked = self.models(cell), self._making.marked(cell)
        about = {
            "extractor": extractor.identity, "nulls": [null.digest for null in nulls], "marked": marked.digest,
            "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            found = self.evidence(cell, self.competent(cell, nulls), [self._making.key(cell)])
            return Contents({"rates": [row[0].rate for row in found]})

        label = f"{cell.task.label} {cell.scheme.label} seed {cell.seed}"
        return Node("own nulls", label, about, compute, (*nulls, marked))


def _deciding(rule: VerdictRule) -> dict[str, Any]:
    """The part of a verdict's rule that thresholds depend on."""
    return {name: getattr(rule, name) for name in ("rate", "null_models", "keys")}
