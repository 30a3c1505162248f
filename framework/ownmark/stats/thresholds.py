"""Decision thresholds: how many of a key's symbols must match before ownership is claimed, at a stated rate.

Sources: exact tests where the chance level is known; otherwise null models x independent keys (Lukas et al.,
SoK, S&P 2022; MIRA, Table B.1), with three rules instead of one, and with pairs that share a model or a key
taken as correlated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ownmark.stats.clusters import Counts, as_counts, spread
from ownmark.stats.exact import binomial_hits
from ownmark.stats.intervals import Interval, check_open_unit, clopper_pearson
from ownmark.stats.rules import conformal_hits, normal_hits, pooled_binomial_hits


@dataclass(frozen=True)
class Threshold:
    """Claim ownership iff at least ``hits`` of ``n`` symbols match; with how that was decided."""

    hits: int
    """Fewest matches that make a claim; ``n + 1`` says that no claim is possible at this rate."""
    n: int
    """Symbols in the key (bits, triggers)."""
    rate: float
    """The stated false-positive rate: of a claim against a fresh unmarked model with a fresh key."""
    rule: str
    """Which rule gave ``hits``: exact, or the largest of normal, conformal and binomial."""
    null_models: int
    """Null models it was set or checked on; 0 if there were none, and then the fields below are None."""
    null_pairs: int
    """(null model, key) pairs."""
    null_mean: float | None
    """Mean hits over these pairs."""
    measured_rate: float | None
    """Fraction of these pairs that is claimed; a calibrated threshold was set on the very same pairs."""
    measured_interval: Interval | None
    """95 % interval of ``measured_rate``: Clopper-Pearson on the effective number of pairs."""
    effective_pairs: float | None = None
    """Independent pairs these are worth. Below 1/rate - 1 the rate rests on the normal rule's shape."""

    def __post_init__(self) -> None:
        check_open_unit("rate", self.rate)
        if not 1 <= self.hits <= self.n + 1:
            raise ValueError(f"a threshold needs 1 <= hits <= n + 1, got hits={self.hits}, n={self.n}")

    @property
    def theta(self) -> float:
        """``hits / n``: the fraction of symbols at or above which ownership is claimed; over 1 if never."""
        return self.hits / self.n

    @property
    def claimable(self) -> bool:
        """Whether any number of matches makes a claim."""
        return self.hits <= self.n

    @property
    def contradicted(self) -> bool:
        """Whether the nulls show a rate above the stated one (97.5 % confidence): chance is misjudged."""
        return self.measured_interval is not None and self.measured_interval.low > self.rate

    def claims(self, hits: int) -> bool:
        """Whether ``hits`` matches make a claim. Errors: ValueError for hits outside ``0..n``."""
        if not 0 <= hits <= self.n:
            raise ValueError(f"hits must lie in 0..{self.n}, got {hits}")
        return hits >= self.hits

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Threshold:
        """The inverse of `to_dict`."""
        interval = data["measured_interval"]
        return cls(**{**data, "measured_interval": interval and Interval.from_dict(interval)})


def exact_threshold(n: int, chance: float, rate: float, null_hits: npt.ArrayLike | None = None) -> Threshold:
    """The threshold for n independent symbols that each match with probability ``chance`` (bits: 1/2).

    ``null_hits`` [models, keys] does not move it: the rate measured there is reported beside it, and
    `contradicted` compares the two.

    Errors: ValueError for ``n < 1``, a rate outside (0, 1), a chance outside [0, 1], or nulls that are no
    counts.
    """
    hits = binomial_hits(n, chance, rate)
    return _reported(hits, n, rate, "exact", None if null_hits is None else as_counts(null_hits, n))


def calibrated_threshold(null_hits: npt.ArrayLike, n: int, rate: float) -> Threshold:
    """The threshold set on ``null_hits`` [models, keys]: hits of fresh keys, n long, on independent nulls.

    The largest of the three rules in `ownmark.stats.rules`, capped at ``n + 1`` (no claim possible); ties are
    named in their order: normal, conformal, binomial.

    Kept in simulation (tests/stats/test_achieved_rate.py)? 0.05: yes from 20 models on; 10 models 0.051 at worst;
    4 models yes, unless models differ far more than keys: then up to 0.09; one model cannot show how models
    differ: up to 0.25. 0.01: 20 models 0.015 at worst, 4 models 0.06.

    Errors: ValueError for a rate outside (0, 1), or nulls that are no counts.
    """
    check_open_unit("rate", rate)
    counts = as_counts(null_hits, n)
    seen = spread(counts)
    rules = {
        "normal": normal_hits(seen, rate),
        "conformal": conformal_hits(counts, seen, rate),
        "binomial": pooled_binomial_hits(counts, seen, n, rate),
    }
    rule = max(rules, key=lambda name: rules[name])
    return _reported(min(rules[rule], n + 1), n, rate, rule, counts)


def laundering_threshold(rates_per_epoch: npt.ArrayLike) -> float:
    """The highest trigger-class rate of clean models [..., epochs], as owners may stop at any epoch.

    Source: the Laundering paper's "vanilla" maximum. It states no error rate.

    Errors: ValueError for no rates or rates outside [0, 1].
    """
    rates = np.asarray(rates_per_epoch, dtype=np.float64)
    if rates.size == 0 or not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError("needs at least one rate, all in [0, 1]")
    return float(rates.max())


def achieved_rate(threshold: Threshold, held_out_null_hits: npt.ArrayLike) -> tuple[float, Interval]:
    """The fraction of held-out null pairs [models, keys] that ``threshold`` claims, and its 95 % interval.

    The models must be others than those the threshold was set on. Errors: ValueError for nulls that are no
    counts.
    """
    return _claim_rate(threshold.hits, as_counts(held_out_null_hits, threshold.n))


def _reported(hits: int, n: int, rate: float, rule: str, counts: Counts | None) -> Threshold:
    if counts is None:
        return Threshold(hits, n, rate, rule, 0, 0, None, None, None)
    seen = spread(counts)
    return Threshold(
        hits,
        n,
        rate,
        rule,
        len(counts),
        counts.size,
        seen.mean,
        *_claim_rate(hits, counts),
        seen.effective_pairs,
    )


def _claim_rate(hits: int, counts: Counts) -> tuple[float, Interval]:
    claimed = counts >= hits
    rate = float(claimed.mean())
    effective = min(spread(claimed).effective_pairs, spread(counts).effective_pairs)
    return rate, clopper_pearson(rate * effective, effective)
