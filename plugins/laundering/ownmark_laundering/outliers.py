"""Which class has a trigger that is too small to be true: the median absolute deviation of the masks' norms."""

from __future__ import annotations

import torch
from torch import Tensor

CONSISTENT = 1.4826
"""Makes the median absolute deviation of normal values their standard deviation."""


def anomaly(norms: Tensor) -> Tensor:
    """|n - median| / (1.4826 median |n - median|): [K] -> [K].

    Where all deviations but a few vanish the index of those few is infinite, that of the others 0.
    """
    deviation = (norms.double() - norms.double().quantile(0.5)).abs()
    spread = CONSISTENT * deviation.quantile(0.5)
    index = torch.where(spread > 0, deviation / spread, torch.where(deviation > 0, torch.inf, 0.0))
    return index.to(norms)


TINY = 1e-6
"""Pixels below which a mask counts as this small, for its logarithm."""


def measured(norms: Tensor, outliers: str) -> Tensor:
    """What the test looks at: the norms (`"authors"`), or their logarithms (`"log"`)."""
    return {"authors": norms, "log": norms.clamp(min=TINY).log()}[outliers]


def flagged(norms: Tensor, index: float, outliers: str = "authors") -> list[int]:
    """Classes whose norm is below the median and has an anomaly index above `index`, the smallest norm first."""
    suspicious = (anomaly(measured(norms, outliers)) > index) & (norms <= norms.quantile(0.5))
    return [int(label) for label in ranking(norms) if suspicious[label]]


def ranking(norms: Tensor) -> list[int]:
    """Classes from the most likely to carry a mark (smallest norm) to the least likely; ties by number."""
    return [int(label) for label in norms.argsort(stable=True)]
