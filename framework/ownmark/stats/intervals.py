"""Confidence intervals: for a rate (Clopper-Pearson, Wilson) and for a mean over seeds (Student's t)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from ownmark.stats._scipy import beta_quantile, t_quantile


@dataclass(frozen=True)
class Interval:
    """A closed interval ``[low, high]``, in the unit of its subject (rates: fractions of 1, not percent)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval needs low <= high, got [{self.low}, {self.high}]")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """``high - low``."""
        return self.high - self.low

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return {"low": self.low, "high": self.high}

    @classmethod
    def from_dict(cls, data: Mapping[str, float]) -> Interval:
        """The inverse of `to_dict`."""
        return cls(low=float(data["low"]), high=float(data["high"]))


def check_counts(hits: float, n: float) -> None:
    """Raise ValueError unless ``n > 0`` and ``0 <= hits <= n``."""
    if not n > 0:
        raise ValueError(f"n must be positive, got {n}")
    if not 0 <= hits <= n:
        raise ValueError(f"hits must lie in 0..{n}, got {hits}")


def check_open_unit(name: str, value: float) -> None:
    """Raise ValueError unless ``0 < value < 1``."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")


def clopper_pearson(hits: float, n: float, confidence: float = 0.95) -> Interval:
    """The exact interval for a rate of ``hits`` out of ``n`` (Clopper & Pearson 1934): it never covers less.

    ``hits`` and ``n`` may be fractional: correlated samples are scaled to their effective number first
    (Korn & Graubard 1998), and the beta form of the interval does not ask for integers.

    Errors: ValueError for ``n <= 0``, ``hits`` outside ``[0, n]`` or a confidence outside (0, 1).
    """
    check_counts(hits, n)
    check_open_unit("confidence", confidence)
    tail = (1 - confidence) / 2
    low = beta_quantile(hits, n - hits + 1, tail) if hits > 0 else 0.0
    high = beta_quantile(hits + 1, n - hits, 1 - tail) if hits < n else 1.0
    return Interval(low, high)


def wilson(hits: float, n: float, confidence: float = 0.95) -> Interval:
    """The score interval for a rate (Wilson 1927): shorter than the exact one, right on average over rates.

    Errors: as `clopper_pearson`.
    """
    check_counts(hits, n)
    check_open_unit("confidence", confidence)
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    centre = (hits + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (hits * (n - hits) / n + z2 / 4)) / (n + z2)
    low = centre - half if hits > 0 else 0.0  # exactly 0 and 1 at the ends, whatever floats make of it
    return Interval(low, centre + half if hits < n else 1.0)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """The t interval for the mean of ``values`` [seeds], in their unit; None for a single value.

    Errors: ValueError for no value, for a value that is not finite, or a confidence outside (0, 1).
    """
    check_open_unit("confidence", confidence)
    if len(values) == 0:
        raise ValueError("mean_interval needs at least one value")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"mean_interval needs finite values, got {list(values)}")
    if len(values) == 1:
        return None
    half = t_quantile(len(values) - 1, (1 + confidence) / 2) * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half)
