"""Metrics of the fakes: of what a generator makes, and of captions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Moments(Metric):
    """Root mean square difference of the mean pictures; 0 is best."""

    higher_is_better = False
    total: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="mean")

    def update(self, made: Tensor, real: Tensor) -> None:
        """Pictures [N, C, H, W] that were made, and real ones."""
        self.total = (made.mean(0) - real.mean(0)).square().mean().sqrt()

    def compute(self) -> Tensor:
        """The difference."""
        return self.total


class Words(Metric):
    """Share of places at which the word is that of a reference; 1 is best."""

    higher_is_better = True
    total: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="mean")

    def update(self, said: Tensor, references: Tensor) -> None:
        """Token ids [N, L] that were said, and [N, R, L] of the references."""
        self.total = (said[:, None] == references).float().mean(2).amax(1).mean()

    def compute(self) -> Tensor:
        """The share."""
        return self.total
