"""How null hit counts spread when pairs share a model or a key: a two-way analysis of variance.

The count of (model m, key k) is taken as mean + model effect + key effect + rest. Twenty nulls with a hundred
keys are not two thousand independent draws: a null that loves one class answers all its keys alike, and a key
that one null falls for fools the others too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """What hit counts [models, keys] say of the count of a *new* model with a *new* key."""

    mean: float
    """Mean count over all pairs, in hits."""
    variance: float
    """Variance of one pair's count around the true mean (model + key + rest), in hits squared."""
    df: float
    """Satterthwaite's degrees of freedom of ``sd``; infinite if the counts are all equal."""
    effective_pairs: float
    """Independent pairs that would pin the mean down as well: between 1 and models x keys."""

    @property
    def sd(self) -> float:
        """Standard deviation of a new pair's count around ``mean``, whose own error is included, in hits."""
        return math.sqrt(self.variance * (1 + 1 / self.effective_pairs))


def as_counts(null_hits: npt.ArrayLike, n: int) -> Counts:
    """``null_hits`` [models, keys] as int64, checked: a rate, or a rate times n cut by int(), is no count.

    Errors: ValueError for another shape, an empty array, non-integers, or counts outside ``0..n``.
    """
    counts: npt.NDArray[Any] = np.asarray(null_hits)
    if counts.ndim != 2 or counts.size == 0:
        raise ValueError(f"null hits must be a non-empty [models, keys] array, got shape {counts.shape}")
    if not np.issubdtype(counts.dtype, np.integer):
        raise ValueError(f"null hits must be integers (counts, not rates), got {counts.dtype}")
    if n < 1 or counts.min() < 0 or counts.max() > n:
        raise ValueError(f"null hits must lie in 0..n, n >= 1; got {counts.min()}..{counts.max()}, n={n}")
    return counts.astype(np.int64)


def spread(counts: npt.NDArray[Any]) -> Spread:
    """The `Spread` of ``counts`` [models, keys]; keys may be the same for all models or fresh for each.

    One model says nothing of the spread between models, and counts as one effective pair.
    """
    models, keys = counts.shape
    mean, variance = float(counts.mean()), float(counts.var())
    independent = 1.0 if models == 1 else float(counts.size)
    if variance == 0:
        return Spread(mean, 0.0, math.inf, independent)
    if models == 1 or keys == 1:
        return Spread(mean, variance * counts.size / (counts.size - 1), counts.size - 1, independent)
    return _two_way(counts.astype(np.float64))


def _two_way(counts: npt.NDArray[np.float64]) -> Spread:
    """The crossed layout with random effects: models and keys both at least 2, the counts not all equal."""
    models, keys = counts.shape
    mean, by_model, by_key = float(counts.mean()), counts.mean(axis=1), counts.mean(axis=0)
    rest = float(((counts - by_model[:, None] - by_key[None, :] + mean) ** 2).sum())
    rest /= (models - 1) * (keys - 1)
    of_model = max(0.0, float(by_model.var(ddof=1)) - rest / keys)
    of_key = max(0.0, float(by_key.var(ddof=1)) - rest / models)
    pair, of_mean = of_model + of_key + rest, of_model / models + of_key / keys + rest / (models * keys)
    return Spread(mean, pair, _degrees(of_model, of_key, rest, models, keys), pair / of_mean)


def _degrees(of_model: float, of_key: float, rest: float, models: int, keys: int) -> float:
    """Satterthwaite (1946): v^2 / sum(part^2 / df) over the mean squares in a new pair's variance v."""
    by_model = (1 + 1 / models) * (of_model + rest / keys)
    by_key = (1 + 1 / keys) * (of_key + rest / models)
    by_rest = rest * (1 - 1 / models - 1 / keys - 1 / (models * keys))
    total = by_model + by_key + by_rest
    parts = by_model**2 / (models - 1) + by_key**2 / (keys - 1) + by_rest**2 / ((models - 1) * (keys - 1))
    return total**2 / parts
