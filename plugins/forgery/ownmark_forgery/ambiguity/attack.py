"""Ambiguity attacks, after Fan, Ng, Chan, Yang, TPAMI 2021 (full title in `__init__`).

Idea: what reads as a mark can also be made to read afterwards. The network is left alone and a key is made for it.
Threat model: the thief holds the weights and images and knows the scheme, but nothing of the owner's key.
Functions: `resample.resample` draws keys; a scheme's own `forge` does more where it has one (see the pack's README).
Symbols: those of the nested scheme.
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures; succeeds on Uchida and DeepSigns, fails on the seven other schemes of Table I of the invariance
paper.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Extractor, Fit, Key, Samples, Scheme, Stolen, Suspect, Task
from ownmark.errors import NotApplicable
from ownmark_forgery.ambiguity.config import AmbiguityConfig
from ownmark_forgery.forger import (
    IdleFit,
    exhibits,
    host_view,
    labelled,
    starts_from_stolen,
    task_of,
    view,
)
from ownmark_forgery.resample import resample

RESAMPLE = "resample"


def divided(samples: Samples, held_out: float, rng: torch.Generator) -> tuple[Samples, Samples]:
    """Images to forge with, and images to measure on; at least one of each."""
    order = torch.randperm(len(samples), generator=rng, device=rng.device)
    held = min(len(samples) - 1, max(1, round(held_out * len(samples))))
    return samples.select(order[held:]), samples.select(order[:held])


class Ambiguity(Attack):
    """Forges a key.

    Args:
        scheme: whose key is forged. extractor: reads it.
    """

    config: AmbiguityConfig

    def __init__(self, config: Any = None, *, scheme: Scheme, extractor: Extractor) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._extractor = extractor

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The way must be known, and the key must fit the network."""
        if self._way() == RESAMPLE:
            starts_from_stolen(self._scheme)
        empty = Samples(torch.zeros(0, *shape), torch.zeros(0, dtype=torch.int64))
        self._scheme.check(network, task_of(empty, shape, classes))

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Give back the stolen network, with the forger's claim beside it."""
        way = self._way()
        samples, held = divided(labelled(stolen, self.config.labels), self.config.held_out, rng)
        task = task_of(samples, stolen.shape, stolen.classes)
        if way == RESAMPLE:
            key = self._resampled(stolen, task, rng)
        else:
            forge = self._scheme.forge  # type: ignore[attr-defined]
            key = forge(
                way, stolen.copy(), self._scheme.make_key(task, rng), samples, fit, self.config.recipe
            )
        found = exhibits(self._extractor, stolen.network, self.config.access, key, held)
        return Suspect(stolen.network, {**found, "forged_way": way})

    def _way(self) -> str:
        """The forgery that the configuration means.

        Raises:
            NotApplicable: the scheme knows no such one.
        """
        known = (RESAMPLE, *getattr(self._scheme, "forgeries", ()))
        way = self.config.way or known[-1]
        if way not in known:
            raise NotApplicable(f"this scheme cannot be forged by {way!r}; it can by: {', '.join(known)}")
        return way

    def _resampled(self, stolen: Stolen, task: Task, rng: torch.Generator) -> Key:
        starts_from_stolen(self._scheme)
        host, idle = host_view(stolen, self.config.recipe), IdleFit(rng)

        def draw() -> Key:
            return self._scheme.embed(host, self._scheme.make_key(task, rng), task, idle).key

        def read(key: Key) -> Tensor:
            return self._extractor.extract(view(stolen.network, self.config.access), key).matches.cpu()

        return resample(draw, read, self.config.rounds)
