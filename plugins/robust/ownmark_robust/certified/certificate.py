"""How many triggers are known under noise, and what that says of all networks nearby."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import torch
from torch import Tensor, nn

from ownmark.contracts import Samples, evaluating
from ownmark.stats import binomial_tail
from ownmark_robust.parameters import noisy, output_at


def noisy_matches(
    network: nn.Module, triggers: Samples, sigma: float, draws: int, rng: torch.Generator
) -> Tensor:
    """Which triggers each noisy copy knows: bool [draws, N], on the CPU.

    Args:
        triggers: on the network's device, as `rng` is.
    """
    theta = {name: value.detach() for name, value in network.named_parameters()}
    rows = []
    with evaluating(network):
        for _ in range(draws):
            answers = output_at(network, noisy(theta, sigma, rng), triggers.x)
            rows.append((answers.argmax(1) == triggers.labels).cpu())
    return torch.stack(rows)


def rank(draws: int, quantile: float, confidence: float) -> int:
    """The largest k with P[Bin(draws, quantile) >= k] >= confidence: of sorted draws the k-th is a lower bound of the
    quantile at that confidence. 0: there is none."""
    low, high = 0, draws
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if binomial_tail(middle, draws, quantile) >= confidence else (low, middle - 1)
        )
    return low


def certified(rates: Sequence[float], sigma: float, radius: float, confidence: float) -> float:
    """Lower bound on the median-smoothed accuracy of every network within `radius`; 0 if the draws allow none.

    For ||delta|| <= r the median at theta + delta is at least the p-quantile at theta, p = Phi(-r / sigma)
    (Bansal et al., Theorem 1); the quantile is bounded by an order statistic.

    Args:
        rates: trigger accuracy of the noisy copies.
    """
    k = rank(len(rates), NormalDist().cdf(-radius / sigma), confidence)
    return sorted(rates)[k - 1] if k else 0.0


def median_row(matches: Tensor) -> Tensor:
    """Of noisy copies bool [draws, N] the one whose number of matches is the (lower) median: bool [N]."""
    order = matches.sum(1).argsort(stable=True)
    return matches[order[(len(order) - 1) // 2]]
