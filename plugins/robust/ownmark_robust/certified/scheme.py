"""Certified marks by randomised smoothing of the weights (Bansal et al., ICML 2022; full title in `papers.CERTIFIED`).

Idea: teach triggers to copies of the network whose weights are noisy; then the median of such copies knows them, and
that median cannot change fast when the weights do.
Threat model: black box for the triggers, white box for the certificate; the thief changes the weights.
Equations: the gradient over noise levels (Eq. 9 of the APP paper) is `lessons.level_gradients`; the bound is
`certificate.certified`.
Symbols: `triggers` [N, C, H, W] and `labels` [N] of the nested scheme's key; G noise of a parameter's shape.
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, ResNet-18, Content: accuracy 93.73 %, fresh triggers 99.62 %, 68.36 points lost on the mean of six
attacks (APP paper, Table 1, CW).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark_robust.certified.config import CertifiedConfig
from ownmark_robust.wrapped import begin, check_trigger, data, shown, unaugmented, wrapped_key


class Certified(Scheme):
    """Teaches the triggers of another scheme to noisy copies of the network.

    Args:
        trigger: the scheme that draws them.
    """

    config: CertifiedConfig

    def __init__(self, config: Any = None, *, trigger: Scheme) -> None:
        super().__init__(config)
        self._trigger = trigger

    def check(self, network: nn.Module, task: Task) -> None:
        """The nested scheme must fit, and draw triggers."""
        check_trigger(self._trigger, network, task, "certified")

    def key_bits(self, task: Task) -> float | None:
        """Of the nested scheme's keys."""
        return self._trigger.key_bits(task)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """The nested scheme's key."""
        return wrapped_key(self._trigger, task, rng, "certified")

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the task, with lessons between the epochs."""
        from ownmark_robust.certified.lessons import Lessons  # imports Lightning, which takes seconds

        config = self.config
        network, recipe = begin(host, config, fit.rng)
        samples, clean = data(task.owner, key, config)
        lessons = Lessons(Samples(key["triggers"], key["labels"]), config, fit.rng)
        kept = () if config.augment else (unaugmented(samples, clean),)
        transforms = (*host.transforms, *kept)
        fit(network, samples, recipe, terms=host.terms, transforms=transforms, callbacks=[lessons])
        return Marked(network, key, shown(key))
