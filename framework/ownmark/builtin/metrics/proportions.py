"""Shares of trials, with the counts that an interval needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Proportion(Metric):
    """`hits` of `total` trials, both summed over updates and processes; nan for no trials."""

    is_differentiable = False
    higher_is_better: bool | None = True
    full_state_update = False
    hits: Tensor
    total: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("hits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def count(self, successes: Tensor) -> None:
        """Add trials, bool [n]."""
        self.hits += successes.sum().to(self.hits)
        self.total += successes.numel()

    def compute(self) -> Tensor:
        """hits / total, a scalar."""
        return self.hits / self.total


def answered(predictions: Tensor) -> Tensor:
    """Whether a row [N, classes] names a class, bool [N]; `argmax` takes the first number that is none for a 0."""
    return ~predictions.isnan().any(1)


class Accuracy(Proportion):
    """Share of inputs whose most probable class is the label."""

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Take logits or probabilities [N, classes] and labels [N]."""
        self.count(answered(predictions) & (predictions.argmax(1) == labels.to(predictions.device)))


class Agreement(Proportion):
    """Share of inputs that two networks put into the same class."""

    def update(self, predictions: Tensor, reference: Tensor) -> None:
        """Take logits or probabilities [N, classes] of both."""
        same = predictions.argmax(1) == reference.to(predictions.device).argmax(1)
        self.count(answered(predictions) & same)


class WatermarkAccuracy(Proportion):
    """Share of message symbols that match."""

    def update(self, matches: Tensor) -> None:
        """Take matches, bool [n]."""
        self.count(matches.bool())


class BitErrorRate(Proportion):
    """Share of message symbols that do not match; `hits` counts the errors."""

    higher_is_better = False

    def update(self, matches: Tensor) -> None:
        """Take matches, bool [n]."""
        self.count(~matches.bool())
