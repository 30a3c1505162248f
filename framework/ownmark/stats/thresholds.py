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
    """Which rule gave ``hits``: exact, or the largest of normal, conformal, binomial and guessing."""
    null_models: int
    """Null models it was set or checked on; 0 if there were none, and then the fields below are None."""
    null_pairs: int
    """(null model, key) pairs."""
    null_mean: float | None
    """Mean hits over these pairs."""
    measured_rate: float | None
    """Fraction of these pairs that is claimed; a calibrated threshold was set on the very same pairs."""
    measured_interval: Interval | None
    """95 % interval of ``measured_rate``: Clopper-Pearson on the number of models, see `claim_rate`."""
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


def exact_threshold(
    n: int, chance: float, rate: float, null_hits: npt.ArrayLike | None = None, guess: float | None = None
) -> Threshold:
    """The threshold for n independent symbols that each match with probability ``chance`` (bits: 1/2).

    ``guess`` as for `calibrated_threshold`: the larger of the two chances counts.

    ``null_hits`` [models, keys] does not move it: the rate measured there is reported beside it, and
    `contradicted` compares the two.

    Errors: ValueError for ``n < 1``, a rate outside (0, 1), a chance outside [0, 1], or nulls that are no
    counts.
    """
    hits = binomial_hits(n, max(chance, guess or 0.0), rate)
    return _reported(hits, n, rate, "exact", None if null_hits is None else as_counts(null_hits, n))


def calibrated_threshold(
    null_hits: npt.ArrayLike, n: int, rate: float, guess: float | None = None
) -> Threshold:
    """The threshold set on ``null_hits`` [models, keys]: hits of fresh keys, n long, on independent nulls.

    The largest of the three rules in `ownmark.stats.rules`, capped at ``n + 1`` (no claim possible); ties are
    named in their order: normal, conformal, binomial. ``guess``, the chance that a random answer matches, adds a
    fourth, ``guessing``: null models are deterministic, and what a service answers to strange inputs may not be.

    Below ``1 / (models + 1)`` the rate rests on the shape of a distribution, and no shape fits all worlds. Worst over
    13 simulated worlds at a stated 0.05: 8 models 0.079, 20 models 0.047; at 0.01: 0.068, 0.033; at 0.001, 20 models
    0.033, 50 models 0.019. One model cannot show how models differ: up to 0.25. `decoys` grant what this cannot.

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
    if guess is not None:
        rules["guessing"] = binomial_hits(n, guess, rate)
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
    return claim_rate(as_counts(held_out_null_hits, threshold.n) >= threshold.hits)


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
        *claim_rate(counts >= hits),
        seen.effective_pairs,
    )


def claim_rate(claimed: npt.ArrayLike) -> tuple[float, Interval]:
    """Share of pairs claimed, bool [models, keys], and its 95 % interval for *new models* with these keys.

    Networks are what was drawn: keys that share one do not count again. Where 5 % of networks are claimed by every
    key, 20 networks x 20 keys without a claim leave [0, .168], not [0, .009].

    Errors: ValueError for another shape or no pair.
    """
    table = np.asarray(claimed, dtype=bool)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"claims must be a non-empty [models, keys] array, got shape {table.shape}")
    rate = float(table.mean())
    return rate, clopper_pearson(rate * len(table), len(table))
