"""Adversarial parametric perturbation with clean BatchNorm (Gan et al., ICCV 2023; full title in `papers.APP`).

Idea: near a marked network lie many that know their task and have lost the mark, and removal attacks find them. In
every step, go to the worst neighbour, and train it to know the triggers; let clean images set BatchNorm's statistics
there, as they will when a thief trains.
Threat model: black box; the verifier sends triggers and reads labels; the thief changes the weights.
Equations: Eq. 5 is `perturbation.perturbation`; Eq. 4 and 6 and Algorithm 1 are `perturbation.WorstNeighbour`; c-BN is
`norms.statistics_of`.
Symbols: `triggers` [N, C, H, W] and `labels` [N] of the nested scheme's key; theta, delta one tensor a parameter.
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, ResNet-18, Content: accuracy 93.42 %, fresh triggers 99.87 %, 10.10 points lost on the mean of six
attacks (vanilla 59.15) (Table 1).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.loops.augment import augmentation
from ownmark_robust.app.config import AppConfig
from ownmark_robust.app.perturbation import WorstNeighbour
from ownmark_robust.norms import norms
from ownmark_robust.wrapped import begin, check_trigger, data, shown, unaugmented, wrapped_key

NO_NORM = "the host has no BatchNorm: no statistics differ, and only the perturbation remains"


class App(Scheme):
    """Teaches the triggers of another scheme to a network and its worst neighbours.

    Args:
        trigger: the scheme that draws them.
    """

    config: AppConfig

    def __init__(self, config: Any = None, *, trigger: Scheme) -> None:
        super().__init__(config)
        self._trigger = trigger

    def check(self, network: nn.Module, task: Task) -> None:
        """The nested scheme must fit, and draw triggers."""
        check_trigger(self._trigger, network, task, "app")

    def key_bits(self, task: Task) -> float | None:
        """Of the nested scheme's keys."""
        return self._trigger.key_bits(task)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """The nested scheme's key."""
        return wrapped_key(self._trigger, task, rng, "app")

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the task and on the worst neighbours' triggers."""
        config = self.config
        network, recipe = begin(host, config, fit.rng)
        samples, clean = data(task.owner, key, config)
        terms = list(host.terms)
        if config.alpha > 0:
            triggers = Samples(key["triggers"], key["labels"])
            views = augmentation(recipe) if config.augment else ()
            terms.append(WorstNeighbour(triggers, clean, config, views, fit.rng))
        kept = () if config.augment else (unaugmented(samples, clean),)
        fit(network, samples, recipe, terms=terms, transforms=(*host.transforms, *kept))
        remarks = {} if norms(network) else {"batchnorm": NO_NORM}
        return Marked(network, key, {**shown(key), **remarks})
