"""Three rules that turn null hit counts into the fewest hits that make a claim; the largest is taken."""

from __future__ import annotations

import math

import numpy as np

from ownmark.stats._scipy import t_quantile
from ownmark.stats.clusters import Counts, Spread
from ownmark.stats.exact import binomial_hits
from ownmark.stats.intervals import clopper_pearson


def normal_hits(seen: Spread, rate: float) -> int:
    """The SoK's mean + z sd (Lukas et al., S&P 2022), with half a hit for continuity, in closed form.

    z is Student's t at the degrees of freedom of the spread, so that few models cost what they must. May
    exceed the key's length. Equal counts (sd 0) give the next count above them.
    """
    margin = t_quantile(seen.df, 1 - rate) * seen.sd if seen.sd > 0 else 0.0
    return max(1, math.ceil(seen.mean + margin + 0.5))


def conformal_hits(counts: Counts, seen: Spread, rate: float) -> int:
    """One above the order statistic of ``counts`` [models, keys] at level (1 - rate)(1 + 1/effective pairs).

    Distribution-free for independent pairs; correlated ones pay through their effective number. Below
    1/rate - 1 effective pairs the level exceeds 1: then one above the largest count, which no longer
    guarantees the rate by itself.
    """
    level = (1 - rate) * (1 + 1 / seen.effective_pairs)
    order = math.ceil(level * counts.size - 1e-9)  # 0.95 * 20 is 19, whatever floats make of it
    return int(np.sort(counts, axis=None)[min(order, counts.size) - 1]) + 1


def pooled_binomial_hits(counts: Counts, seen: Spread, n: int, rate: float) -> int:
    """The exact binomial quantile at the upper 95 % Clopper-Pearson bound of the pooled match rate.

    The bound is on the effective number of symbols (Korn & Graubard 1998). Matters where nulls hardly ever
    hit.
    """
    p, symbols = seen.mean / n, seen.effective_pairs * n
    if seen.variance > 0:
        symbols = min(p * (1 - p) * n**2 * seen.effective_pairs / seen.variance, counts.size * n)
    return binomial_hits(n, clopper_pearson(p * symbols, symbols, confidence=0.90).high, rate)
