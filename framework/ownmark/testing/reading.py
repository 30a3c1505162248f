"""Evidence and verdicts, as the runner makes them, on the kit's networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from torch import nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, WhiteBox, black_box
from ownmark.methods import Declaration, Need
from ownmark.runner.evident import evident
from ownmark.stats import Threshold, calibrated_threshold, exact_threshold
from ownmark.testing.embedding import Embedding
from ownmark.testing.workbench import FRESH, NULLS, RATE

_WHITE, _COPY, _OWN_KEY = Need.WHITE_BOX, Need.OWN_COPY, Need.EMBEDDED_KEY


class Reading:
    """A scheme's embedding, read by one extractor."""

    def __init__(
        self, scheme: Declaration, embedding: Embedding, reader: Declaration, extractor: Extractor
    ) -> None:
        self.embedding = embedding
        self.extractor, self.reader = extractor, reader
        self.white = _WHITE in reader.needs
        self.only_embedded = _OWN_KEY in scheme.needs | reader.needs or _COPY in reader.needs
        self._copies = _COPY in reader.needs

    @property
    def own(self) -> nn.Module | None:
        """The owner's marked copy, for extractors that declare it."""
        return self.embedding.released() if self._copies else None

    def view(self, network: nn.Module) -> WhiteBox | BlackBox:
        """What the extractor is shown of a network."""
        return WhiteBox(network) if self.white else black_box(network, goal=self.embedding.bench.host.goal)

    def read(self, network: nn.Module, key: Key) -> Evidence:
        """Evidence of one key."""
        return evident(self.extractor.extract(self.view(network), key, self.own))

    def read_many(self, network: nn.Module, keys: Sequence[Key]) -> list[Evidence]:
        """Evidence of several keys, read together."""
        return self.extractor.extract_many(self.view(network), keys, self.own)

    @cached_property
    def evidence(self) -> Evidence:
        """What the extractor reads out of the marked network, which nobody has attacked."""
        return self.read(self.embedding.released(), self.embedding.first.key)

    @cached_property
    def threshold(self) -> Threshold:
        """For a claim at the kit's rate, set on half of the null models as the runner sets it."""
        keys = [self.embedding.first.key] if self.only_embedded else self.fresh_keys()
        rows = [self.read_many(null, keys) for null in self.embedding.bench.nulls[:NULLS]]
        hits, first = [[one.hits for one in row] for row in rows], rows[0][0]
        if first.chance is None:
            return calibrated_threshold(hits, first.n, RATE)
        return exact_threshold(first.n, first.chance, RATE, hits)

    def fresh_keys(self) -> list[Key]:
        """Keys that no network carries."""
        return [self.embedding.fresh_key(100 + i) for i in range(FRESH)]

    def claims(self, evidence: Evidence) -> bool:
        """The verdict."""
        return evidence.n > 0 and evidence.rate >= self.threshold.theta
