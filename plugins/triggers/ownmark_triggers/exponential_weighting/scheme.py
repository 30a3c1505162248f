"""Namba and Sakuma, "Robust Watermarking of Neural Network with Exponential Weighting", AsiaCCS 2019.

Idea: relabel training images wrongly and learn them while an operator makes large weights count exponentially more
than small ones, so that what prunes or changes small weights does not reach the mark.
Threat model: black box; the verifier sends ordinary images and reads labels; images and labels are secret.
Equations: EW(W, T) is `operator.weighted`, on convolutions and linear layers.
Symbols: W one layer's weight, T the temperature; `triggers` [N, C, H, W] unchanged images, `labels` and
`carriers` [N].
Deviations: see the declaration in `__init__` and the method card.
Reported: 98.55 % (MNIST), 92.89 % (CIFAR-10), all keys known (MIRA, Table B.1).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_classes, draw_carriers
from ownmark_triggers.exponential_weighting.config import ExponentialWeightingConfig
from ownmark_triggers.exponential_weighting.operator import fold, layers, switch_on
from ownmark_triggers.learning import learn
from ownmark_triggers.poison import poisoned, unaugmented, without_carriers


def wrong_labels(truth: Tensor, classes: int, kind: str, rng: torch.Generator) -> Tensor:
    """Labels [N] other than the true ones: uniform among the others, or the next class."""
    step = torch.ones_like(truth)
    if kind == "random":
        step = torch.randint(1, classes, truth.shape, generator=rng, device=rng.device).to(truth)
    return (truth + step) % classes


def image_count(keys: int, share: float, owner: int) -> int:
    """`keys`, or for 0: 100, at most that share of `owner` images, at least 20."""
    return keys or max(20, min(100, int(share * owner)))


class ExponentialWeighting(Scheme):
    """Wrong labels, or another scheme's triggers, learnt under exponential weights.

    Args:
        trigger: the scheme that draws the triggers, if it is another one.
    """

    config: ExponentialWeightingConfig

    def __init__(self, config: Any = None, *, trigger: Scheme | None = None) -> None:
        super().__init__(config)
        self._trigger = trigger

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be layers to weight, and wrong classes; another scheme must fit."""
        layers(network)
        check_classes(task.classes)
        if self._trigger is not None:
            self._trigger.check(network, task)

    def key_bits(self, task: Task) -> float | None:
        """Of the nested scheme's keys, where there is one."""
        return None if self._trigger is None else self._trigger.key_bits(task)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `triggers` [N, C, H, W], `labels` [N], `carriers` [N] (positions in the owner's data); or
        those of the scheme whose triggers are taught.

        Raises:
            NotApplicable: that scheme's key holds no triggers.
        """
        if self._trigger is not None:
            return self._foreign_key(task, rng)
        owner = task.owner
        everyone = torch.ones(len(owner), dtype=torch.bool)
        count = image_count(self.config.keys, self.config.share, len(owner))
        carriers = draw_carriers(owner, everyone, count, rng).to(owner.device)
        labels = wrong_labels(owner.labels[carriers], task.classes, self.config.labels, rng)
        return Key(
            "exponential_weighting",
            {"triggers": owner.select(carriers).x, "labels": labels, "carriers": carriers},
        )

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train a clean network on keys and all other images with the operator on, then fold it in."""
        network = host.trained() if self.config.start == "trained" else self._clean(host, key, task, fit)
        samples, first = poisoned(task.owner, key, self.config.repeats)
        kept = () if self.config.augment else (unaugmented(samples, first),)
        plain = copy.deepcopy(network)
        switch_on(network, self.config.temperature)
        learn(
            network,
            key,
            samples,
            self.config.recipe,
            fit,
            extra=self.config.extra_epochs,
            host=host,
            transforms=kept,
        )
        fold(network)
        plain.load_state_dict(network.state_dict())
        return Marked(plain.eval(), key, {"triggers": key["triggers"][:8]})

    def _foreign_key(self, task: Task, rng: torch.Generator) -> Key:
        assert self._trigger is not None
        key = self._trigger.make_key(task, rng)
        if not {"triggers", "labels"} <= set(key.tensors):
            raise NotApplicable(
                f"a key of {key.scheme!r} has no triggers before it is embedded; nest another scheme"
            )
        return replace(key, scheme="exponential_weighting").add(trigger=key.scheme)

    def _clean(self, host: HostView, key: Key, task: Task, fit: Fit) -> nn.Module:
        clean = without_carriers(task.owner, key)
        network = host.blank(fit.rng)
        return fit(network, clean, host.recipe, terms=host.terms, transforms=host.transforms)
