"""Watermark accuracy on the scale where every scheme's threshold is one half."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from ownmark.stats.rescale import rescaled_accuracy


class RescaledAccuracy(Metric):
    """S(x; theta) of the share x of symbols that match (see `ownmark.stats.rescale`).

    Its counts are not named `hits` and `total`: S is no proportion, and an interval of x does not hold for it.

    Args:
        theta_prime: what S gives at the threshold.
    """

    is_differentiable = False
    higher_is_better: bool | None = True
    full_state_update = False
    matched: Tensor
    symbols: Tensor
    theta: Tensor

    def __init__(self, theta_prime: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta_prime = theta_prime
        self.add_state("matched", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("symbols", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("theta", torch.tensor(-1.0, dtype=torch.float64), dist_reduce_fx="max")

    def update(self, matches: Tensor, theta: float) -> None:
        """Take matches, bool [n], and the decision threshold as a fraction, the same in every update.

        Raises:
            ValueError: another threshold than before.
        """
        if self.theta >= 0 and self.theta != theta:
            raise ValueError(f"the threshold was {float(self.theta)}, and is now {theta}")
        self.theta.fill_(theta)
        self.matched += matches.bool().sum().to(self.matched)
        self.symbols += matches.numel()

    def compute(self) -> Tensor:
        """S, a scalar in [0, 1]; nan for no symbols, or a threshold above 1, which no suspect can reach."""
        if self.symbols == 0 or self.theta > 1:
            return torch.tensor(float("nan"))
        rate = float(self.matched) / float(self.symbols)
        return torch.tensor(rescaled_accuracy(rate, float(self.theta), self.theta_prime))
