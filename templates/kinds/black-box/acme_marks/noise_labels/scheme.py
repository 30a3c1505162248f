"""Random labels for images of noise: an example of a black-box scheme.

Idea: nobody's network knows the random label of an image of noise, unless it was taught.
Threat model: the verifier queries the suspect; triggers and labels are secret.
Symbols: n triggers x [n, C, H, W] with labels y [n].
"""

from __future__ import annotations

import torch
from acme_marks.noise_labels.config import NoiseLabelsConfig
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.errors import NotApplicable


def noise_triggers(count: int, shape: tuple[int, int, int], classes: int, rng: torch.Generator) -> Samples:
    """Uniform noise [count, *shape] in [0, 1] with uniform labels int64 [count]."""
    x = torch.rand((count, *shape), generator=rng)
    return Samples(x, torch.randint(classes, (count,), generator=rng))


class NoiseLabels(Scheme):
    """Teaches a network random labels of images of noise."""

    config: NoiseLabelsConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """Random labels need at least two classes."""
        if task.classes < 2:
            raise NotApplicable("random labels need at least two classes")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensors `triggers` [n, C, H, W] and `labels` int64 [n], as `ownmark.contracts.fields` has them."""
        drawn = noise_triggers(self.config.triggers, task.shape, task.classes, rng)
        return Key("noise_labels", {"triggers": drawn.x, "labels": drawn.labels}, {"classes": task.classes})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train from scratch on the owner's images and the triggers, four times each."""
        triggers = Samples(key["triggers"].repeat(4, 1, 1, 1), key["labels"].repeat(4))
        network = fit(
            host.blank(fit.rng),
            task.owner + triggers,
            host.recipe,
            terms=host.terms,
            transforms=host.transforms,
        )
        return Marked(network, key)
