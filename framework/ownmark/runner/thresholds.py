"""Thresholds at a stated rate, and the rates that null models can show."""

from __future__ import annotations

import math

from ownmark.errors import NotApplicable
from ownmark.stats import (
    Threshold,
    calibrated_threshold,
    exact_threshold,
)


def threshold_of(
    hits: list[list[int]], n: int, chance: float | None, rate: float, guess: float | None = None
) -> Threshold:
    """The threshold at `rate` for n symbols: exact where chance is known, else set on null hits [models][keys].

    `guess` is the chance that a random answer matches, which the threshold is never below; see `guess_of`.
    """
    if chance is None:
        return calibrated_threshold(hits, n, rate, guess)
    return exact_threshold(n, chance, rate, hits or None, guess)


def guess_of(symbol: str, classes: int) -> float | None:
    """The chance that a random answer matches a symbol: 1 / classes for labels; None where nothing is answered."""
    return 1 / classes if symbol == "label" else None


STRETCH = 10
"""How far below 1 / (null models + 1) a stated rate may rest on the shape of a distribution before it is refused."""


def require_reachable(rate: float, null_models: int) -> None:
    """A rate far below what the null models can show is no rate.

    Raises:
        NotApplicable: says how many null models it takes.
    """
    if rate * STRETCH < 1 / (null_models + 1):
        enough = models_for(rate)
        raise NotApplicable(
            f"{null_models} null models cannot tell a rate of {rate:g}: they show 1 in {null_models + 1} at best. It "
            f"takes {enough} of them (or {models_for(rate * STRETCH)}, and the shape of a distribution for the rest); "
            "raise verdict.null_models or verdict.rate"
        )


def models_for(rate: float) -> int:
    """Fewest null models that can show a rate by themselves: 19 for 0.05."""
    return math.ceil(1 / rate - 1e-9) - 1
