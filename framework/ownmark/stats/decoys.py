"""The decoy test: is the mark in this suspect *mine*?

If a suspect is independent of the owner's key, then the key and D fresh keys of the same law are exchangeable on it:
the rank of the owner's key among them is uniform, whatever the suspect does, and no null model is needed. Null models
say that a mark is there, decoys say whose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ownmark.stats.exact import rank_p_value
from ownmark.stats.intervals import check_open_unit


@dataclass(frozen=True)
class Decoys:
    """What fresh keys read on the suspect, beside the owner's.

    Args:
        n: fresh keys. as_much: of these, how many match at least as much as the owner's.
        highest, mean: share of symbols that the best of them matches, and all on average. looks: at the suspect, any of
            which could have claimed.
    """

    n: int
    as_much: int
    highest: float
    mean: float
    looks: int = 1

    @property
    def p_value(self) -> float:
        """(1 + as many) / (1 + n), times the looks: valid for every suspect that is independent of the key."""
        return min(1.0, self.looks * (1 + self.as_much) / (1 + self.n))

    @property
    def bits(self) -> float:
        """Entropy of keys as measured, log2 of (1 + n) / (1 + as many); a bound from below where no decoy matches as
        much.
        """
        return math.log2((1 + self.n) / (1 + self.as_much))

    def at_two_looks(self) -> Decoys:
        """The same rank where the test could also have ended at another look: twice the p-value."""
        return replace(self, looks=2)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"n": self.n, "as_much": self.as_much, "highest": self.highest, "mean": self.mean,
                "looks": self.looks, "p_value": self.p_value}  # fmt: skip


def rank_among(own: float, decoys: Sequence[float]) -> Decoys:
    """The test from shares of matching symbols: the owner's, and those of decoys.

    Errors: ValueError for no decoys.
    """
    if not decoys:
        raise ValueError("needs at least one decoy")
    as_much = sum(decoy >= own for decoy in decoys)
    return Decoys(len(decoys), as_much, max(decoys), sum(decoys) / len(decoys))


def least_decoys(rate: float) -> int:
    """Fewest decoys that allow a claim at ``rate``: 19 for 0.05. One fewer cannot rank that high. At most 2^62.

    Errors: ValueError for a rate outside (0, 1).
    """
    check_open_unit("rate", rate)
    return math.ceil(min(1 / rate, 2.0**62) - 1e-9) - 1


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given: for several readers, keys or marks asked of one suspect.

    Claiming those at or below the rate keeps the chance of any false claim there, whatever depends on what.

    Errors: ValueError for p-values outside [0, 1].
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values must lie in [0, 1], got {list(p_values)}")
    count, adjusted, reached = len(p_values), [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(count), key=lambda one: p_values[one])):
        reached = max(reached, min(1.0, (count - place) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def null_p_value(own: float, nulls: Sequence[float]) -> float:
    """Rank of the suspect among null models, one value each: the owner's own key read on it.

    Pairs of models and keys are not exchangeable with the suspect's pair: a p-value ranked among all of them is up to
    as many times too small as there are keys.
    """
    return rank_p_value(own, nulls)
