"""Clean images that a black box is asked before its answers to triggers count; the same for `run` and `verify`."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.contracts.samples import Samples
from ownmark.contracts.views import BlackBox
from ownmark.stats import Knowing

CONTROLS = 100
"""Clean images, about."""


def draw_controls(fresh: Samples, known: Samples, classes: int, rng: torch.Generator) -> Samples:
    """About `CONTROLS` images, as many of each class as tell best who knows the task.

    Args:
        fresh: images that nobody was trained on; a copy is as good on these as the marked network is.
        known: the owner's own, taken where the fresh ones of a class are too few.
    """
    everyone = fresh.to("cpu") + known.to("cpu")
    order = torch.cat([torch.randperm(len(fresh), generator=rng),
                       len(fresh) + torch.randperm(len(known), generator=rng)])  # fmt: skip
    chosen = _balanced(everyone.labels[order], classes)
    return everyone.select(order[chosen]).to(fresh.device)


def are_classes(samples: Samples) -> bool:
    """Whether the labels are classes, one an image."""
    return samples.y is not None and samples.y.ndim == 1 and not samples.y.is_floating_point()


def asked(box: BlackBox, controls: Samples, reference: int | None) -> Knowing:
    """What a suspect knows of the controls; `reference` as in `Knowing`."""
    labels = controls.labels
    right = int((box.predict(controls.x).to(labels.device) == labels).sum())
    return Knowing(right, len(controls), _constant(labels), reference)


def _constant(labels: Tensor) -> int:
    return int(labels.bincount().max()) if len(labels) else 0


def _balanced(labels: Tensor, classes: int) -> Tensor:
    """Positions of the first images of each class, at most so many that one label for all of them fares worst."""
    counts = labels.bincount(minlength=classes)
    most = max(1, -(-CONTROLS // classes))
    limit = min(range(1, most + 1), key=lambda each: _constant_passes(counts, each))
    earlier = (labels[:, None] == torch.arange(len(counts))).long().cumsum(0).gather(1, labels[:, None])[:, 0]
    return torch.nonzero(earlier <= limit)[:CONTROLS, 0]


def _constant_passes(counts: Tensor, each: int) -> tuple[float, int]:
    """How likely the best constant answer is right on all of at most `each` images a class; then, fewer images."""
    taken = counts.clamp(max=each)
    n = int(taken.sum())
    return ((int(taken.max()) / n) ** n if n else 1.0), -n
