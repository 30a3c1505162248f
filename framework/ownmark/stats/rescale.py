"""MIRA's rescaled watermark accuracy S(x; theta), which puts every scheme's decision threshold at one half.

Source: MIRA, section "metrics", after Lukas et al. (SoK, S&P 2022). S is clamped at 0 but seldom gets there:
x = 0 gives `rescaled_floor`. Publish the raw x beside it.
"""

from __future__ import annotations


def rescaled_accuracy(x: float, theta: float, theta_prime: float = 0.5) -> float:
    """S(x; theta) = max(0, 1 - (1 - theta') (1 - x) / (1 - theta)): S(theta) = theta', S(1) = 1.

    x: fraction of symbols that match. theta: decision threshold, as a fraction. A threshold of exactly 1 is
    taken as the limit theta -> 1: S is 1 for x = 1, else 0.

    Errors: ValueError for x or theta outside [0, 1] (theta > 1 means that no claim is possible: see
    `Threshold.claimable`) or theta' outside [0, 1).
    """
    _check(theta, theta_prime)
    if not 0 <= x <= 1:
        raise ValueError(f"x must lie in [0, 1], got {x}")
    if theta == 1:
        return float(x == 1)
    return max(0.0, 1 - (1 - theta_prime) * (1 - x) / (1 - theta))


def rescaled_floor(theta: float, theta_prime: float = 0.5) -> float:
    """S(0; theta), the lowest value S can take: no match at all. Errors: as `rescaled_accuracy`."""
    return rescaled_accuracy(0.0, theta, theta_prime)


def raw_accuracy(s: float, theta: float, theta_prime: float = 0.5) -> float:
    """The x with S(x; theta) = s: inverts `rescaled_accuracy`; for s = 0 the largest such x.

    Errors: ValueError for theta outside [0, 1), theta' outside [0, 1), or an s outside [floor, 1], which no x
    gives.
    """
    _check(theta, theta_prime)
    if theta == 1:
        raise ValueError("S is a step at theta = 1 and has no inverse")
    x = 1 - (1 - s) * (1 - theta) / (1 - theta_prime)
    if not -1e-12 <= x <= 1:
        raise ValueError(f"s must lie in [{rescaled_floor(theta, theta_prime)}, 1], got {s}")
    return max(0.0, x)


def _check(theta: float, theta_prime: float) -> None:
    if not 0 <= theta <= 1:
        raise ValueError(f"theta must lie in [0, 1], got {theta}; above 1 no claim is possible")
    if not 0 <= theta_prime < 1:
        raise ValueError(f"theta' must lie in [0, 1), got {theta_prime}")
