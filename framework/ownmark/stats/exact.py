"""Exact tests for keys whose null distribution is known, and the tests printed in the schemes' papers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist

from ownmark.stats._scipy import beta_cdf, t_tail
from ownmark.stats.intervals import check_counts, check_open_unit


def binomial_tail(hits: int, n: int, p: float) -> float:
    """P[Bin(n, p) >= hits]: the p-value of ``hits`` matches in ``n`` independent symbols of chance level p.

    ``hits`` may be ``n + 1`` or more (an impossible count, p-value 0) or negative (p-value 1).

    Errors: ValueError for ``n < 1`` or ``p`` outside [0, 1].
    """
    _check_binomial(n, p)
    if hits <= 0:
        return 1.0
    return beta_cdf(hits, n - hits + 1, p) if hits <= n else 0.0


def binomial_hits(n: int, p: float, rate: float) -> int:
    """The fewest hits h with P[Bin(n, p) >= h] <= rate; ``n + 1`` if not even ``n`` of ``n`` are that rare.

    For 100 uniformly random labels over 10 classes: 16, 19, 28 hits at rates 0.05, 0.01, 1e-6.

    Errors: ValueError as in `binomial_tail`, or for a rate outside (0, 1).
    """
    check_open_unit("rate", rate)
    _check_binomial(n, p)
    low, high = 0, n + 1  # tail(low) = 1 > rate > 0 = tail(high), and the tail falls in between
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if binomial_tail(middle, n, p) <= rate else (middle, high)
    return high


def rank_p_value(observed: float, nulls: Iterable[float]) -> float:
    """(1 + #{null >= observed}) / (1 + n): the rank test, valid for any null distribution.

    The suspect and the n nulls must be exchangeable under the null: one hit count per null *model*, same key.
    n nulls cannot give less than 1 / (1 + n), so a rate of 0.05 needs at least 19 of them; no null gives 1.
    """
    reached = [null >= observed for null in nulls]
    return (1 + sum(reached)) / (1 + len(reached))


def fair_coin_tolerance(n: int, rate: float = 0.05) -> int:
    """Frontier Stitching's threshold (Le Merrer et al. 2019): claim iff *fewer* keys than this mismatch.

    The smallest t with 2^-n sum_{z <= t} C(n, z) >= rate, in integers: 6, 19, 42 for n = 20, 50, 100.
    Its null, "each key is a fair coin", fits no scheme with a fixed class or random labels.

    Errors: ValueError for ``n < 1`` or a rate outside (0, 1).
    """
    check_counts(0, n)
    check_open_unit("rate", rate)
    numerator, denominator = rate.as_integer_ratio()
    below = 0
    for mismatches in range(n + 1):
        below += math.comb(n, mismatches)
        if below * denominator >= numerator << n:
            return mismatches
    raise AssertionError("the sum over all mismatches is 2^n")  # pragma: no cover


def rarity_bits(hits: int, n: int, classes: int) -> float:
    """ROSE's rarity R = -log2 P[Bin(n, 1/classes) >= hits] (Kallas & Furon 2022): 86.5 for (33, 40, 10).

    In bits. Summed over integers, so that it does not underflow where the probability is below 1e-308.

    Errors: ValueError for ``hits`` outside ``0..n``, ``n < 1`` or fewer than two classes.
    """
    check_counts(hits, n)
    if classes < 2:
        raise ValueError(f"rarity needs at least 2 classes, got {classes}")
    ways = sum(math.comb(n, k) * (classes - 1) ** (n - k) for k in range(hits, n + 1))
    return max(0.0, math.log2(classes**n) - math.log2(ways))


def two_sample_rates(hits: int, n: int, null_hits: int, null_n: int) -> float:
    """EWE's one-sided t-test (Jia et al. 2021): p-value of "the rate is no higher than a clean model's".

    ``hits`` of ``n`` triggers give the target class on the suspect, ``null_hits`` of ``null_n`` on the clean
    model. Welch's form, on 0/1 samples. Where both are constant t is undefined: Fisher's exact test answers.

    Errors: ValueError for counts outside ``0..n`` or samples of fewer than two.
    """
    check_counts(hits, n)
    check_counts(null_hits, null_n)
    if min(n, null_n) < 2:
        raise ValueError(f"a t-test needs at least 2 queries a side, got {n} and {null_n}")
    p, q = hits / n, null_hits / null_n
    u, v = p * (1 - p) / (n - 1), q * (1 - q) / (null_n - 1)
    if u + v == 0:
        return 1 / math.comb(n + null_n, n) if p > q else 1.0
    df = (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (null_n - 1))
    return t_tail(df, (p - q) / math.sqrt(u + v))


def queries_needed(rate: float, null_rate: float, level: float = 0.05, power: float = 0.95) -> int:
    """About how many queries a side let `two_sample_rates` tell ``rate`` from a lower ``null_rate``.

    n = (z_level + z_power)^2 (p(1-p) + q(1-q)) / (p - q)^2, rounded up, and at least 2.

    Errors: ValueError unless ``0 <= null_rate < rate <= 1`` and level and power lie in (0, 1).
    """
    check_open_unit("level", level)
    check_open_unit("power", power)
    if not 0 <= null_rate < rate <= 1:
        raise ValueError(f"needs 0 <= null_rate < rate <= 1, got {null_rate} and {rate}")
    z = NormalDist().inv_cdf(1 - level) + NormalDist().inv_cdf(power)
    variance = rate * (1 - rate) + null_rate * (1 - null_rate)
    return max(2, math.ceil(z**2 * variance / (rate - null_rate) ** 2))


def _check_binomial(n: int, p: float) -> None:
    if n < 1 or not 0 <= p <= 1:
        raise ValueError(f"needs n >= 1 and p in [0, 1], got n={n}, p={p}")
