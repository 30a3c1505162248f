"""Overwriting, after Wang and Kerschbaum, "Attacks on Digital Watermarks for Deep Neural Networks", ICASSP 2019.

Idea: run the owner's embedding again with a key of one's own. The thief's mark reads; the owner's may survive.
Threat model: the thief holds the weights and images and knows the scheme; `scheme` says whether also its layer.
Functions: `forger.host_view` makes the stolen network a trained host, the nested scheme does the rest.
Symbols: those of the nested scheme.
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures; succeeds on Uchida, fails on the eight other schemes of Table I of the invariance paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Extractor, Fit, Samples, Scheme, Stolen, Suspect, restored
from ownmark.contracts.views import Shape
from ownmark_forgery.forger import exhibits, host_view, labelled, starts_from_stolen, task_of, view
from ownmark_forgery.overwrite.config import OverwriteConfig


class Overwrite(Attack):
    """Embeds the forger's mark.

    Args:
        scheme: of the forger's mark. extractor: reads it.
    """

    config: OverwriteConfig

    def __init__(self, config: Any = None, *, scheme: Scheme, extractor: Extractor) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._extractor = extractor

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The nested scheme must start from a trained host and find room in it."""
        starts_from_stolen(self._scheme)
        empty = Samples(torch.zeros(0, *shape), torch.zeros(0, dtype=torch.int64))
        self._scheme.check(network, task_of(empty, shape, classes))

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Embed a fresh key, and read it before and after; rates are measured on the images that embedded it."""
        starts_from_stolen(self._scheme)
        samples = labelled(stolen, self.config.labels)
        task = task_of(samples, stolen.shape, stolen.classes)
        key = self._scheme.make_key(task, rng)
        marked = self._scheme.embed(host_view(stolen, self.config.recipe), key, task, fit)
        access = self.config.access
        before = self._extractor.extract(view(stolen.network, access), marked.key)
        found = exhibits(self._extractor, marked.network, access, marked.key, samples)
        return Suspect(marked.network, {**found, "forged_hits_before": before.hits})

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """As the nested scheme does, which may have changed layers."""
        return restored(self._scheme, network, state, shape, classes)
