"""From evidence and a calibrated threshold to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ownmark.stats import Threshold, binomial_tail, rank_p_value


def verdict(
    hits: int, n: int, chance: float | None, threshold: Threshold, null_rates: Sequence[Sequence[float]]
) -> dict[str, Any]:
    """Claim or no claim, with the p-value: exact where chance is known, by rank among the null pairs elsewhere.

    Args:
        hits, n: symbols that match, of how many. chance: that one matches on an unmarked network, or None.
        null_rates: [null models][keys] shares of matches that the threshold was set on.

    Returns: JSON-ready; `theta`, `hits_needed` and `stated_rate` beside what `Threshold` holds.
    """
    if chance is not None:
        p_value = binomial_tail(hits, n, chance)
    else:
        p_value = rank_p_value(hits / n, [rate for row in null_rates for rate in row])
    described = threshold.to_dict()
    stated = described.pop("rate")
    needed = described.pop("hits")
    if threshold.null_mean is not None:
        described["null_mean"] = threshold.null_mean / threshold.n
    bounds = threshold.measured_interval
    return {
        "claim": hits / n >= threshold.theta, "p_value": p_value, "theta": threshold.theta, "hits_needed": needed,
        "stated_rate": stated, **described, "measured_interval": None if bounds is None else [bounds.low, bounds.high],
    }  # fmt: skip


def no_verdict(threshold: Threshold, null_rates: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What is said of a suspect that cannot be read: no claim, and nothing speaks for one."""
    nothing = verdict(0, threshold.n, None, threshold, null_rates)
    return {**nothing, "claim": False, "p_value": 1.0}
