"""Stages that read decoys on suspects."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ownmark.contracts.key import Key
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.spare import SpareKeys
from ownmark.contracts.views import BlackBox, WhiteBox
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Cell
from ownmark.runner.decoys import decoy_rates, decoys_for, fresh_keys, key_bits
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.kept import kept_keys
from ownmark.runner.nulls import NullModels
from ownmark.runner.reading import READER_VERSION, Reading
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents


class Whose:
    """Fresh keys of a cell's scheme, read where the owner's key is read."""

    def __init__(self, reading: Reading, nulls: NullModels) -> None:
        making = reading.making
        self._reading, self._nulls, self._making = reading, nulls, making
        self._methods, self._engine = making.methods, making.engine
        self._verdict = making.plan.verdict

    def decoys(self, cell: Cell) -> Node | None:
        """What fresh keys read on the suspect: `rates`, and the `queries` they cost; None where none can be drawn.

        There are no rates where a key that was born in embedding might keep decoys and does not.
        """
        if self._verdict.tests == "nulls" or not (self._are_drawn(cell) or self._are_kept(cell)):
            return None
        return self._decoys(cell)

    def _are_drawn(self, cell: Cell) -> bool:
        return not self._nulls.reads_own_key(cell)

    def _are_kept(self, cell: Cell) -> bool:
        scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        reader = self._methods.extractor_of(cell.scheme, cell.extractor)
        return isinstance(scheme, SpareKeys) and not reader.needs(Need.OWN_COPY)

    @once(lambda cell: cell)
    def _decoys(self, cell: Cell) -> Node:
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        scheme, read = self._methods.get(Kind.SCHEME, cell.scheme), self._reading.evidence(cell)
        count = self.decoy_count(cell)
        about = {
            "scheme": scheme.identity, "evidence": read.digest, "count": count, "version": READER_VERSION,
        }  # fmt: skip

        def compute(bench: Bench) -> Contents:
            if "unreadable" in self._engine.get(read).values:
                return Contents({"rates": [], "queries": 0})
            network = self._making.suspect_network(cell)
            white = method.needs(Need.WHITE_BOX)
            view = self._reading.view(cell, network if white else self._making.served(cell, network))
            rates = self._read(cell, view, count)
            return Contents({"rates": rates, "queries": getattr(view, "queries", 0)})

        return Node("decoys", f"{cell.label} {method.declaration.id}", about, compute, (read, *read.parents))

    def fresh_rates(self, cell: Cell, network: Node, count: int) -> list[float]:
        """What `count` decoys read on an unmarked network; nothing for 0."""
        view = self._reading.view(cell, self._making.hosts.host_network(cell.task, network))
        return self._read(cell, view, count)

    def _read(self, cell: Cell, view: WhiteBox | BlackBox, count: int) -> list[float]:
        keys = self.decoy_keys(cell)
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        return [] if keys is None else decoy_rates(method.instance, view, keys, count)

    def decoy_count(self, cell: Cell) -> int:
        """How many decoys the plan reads on a suspect."""
        method = self._methods.extractor_of(cell.scheme, cell.extractor)
        usual = decoys_for(self._verdict.rate, method.instance, method.needs(Need.WHITE_BOX))
        return self._verdict.decoys or usual

    def decoy_keys(self, cell: Cell) -> Callable[[int], Key] | None:
        """The i-th decoy of the cell's scheme on its task, or of its key; None if that keeps none."""
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        device = self._making.engine.device

        def rng(i: int) -> torch.Generator:
            return rng_for("decoy", i)

        if not self._are_drawn(cell):
            return kept_keys(scheme, self._making.key(cell), rng, device)
        return fresh_keys(scheme, self._making.tasks.task(cell.task, cell.scheme), rng, device)

    def key_bits(self, cell: Cell) -> float | None:
        """Entropy of the scheme's keys on the cell's task, in bits, as the scheme states it."""
        scheme: Scheme = self._methods.get(Kind.SCHEME, cell.scheme).instance
        return key_bits(scheme, self._making.tasks.task(cell.task, cell.scheme))
