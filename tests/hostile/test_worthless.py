"""A network that was worth nothing makes no attack a success."""

from __future__ import annotations

import math

import pytest

from ownmark.stats import Outcome, RemovalCriterion, is_removed


@pytest.mark.parametrize("kind", ["relative", "absolute"])
@pytest.mark.parametrize("after", [0.0, 0.1, 1.0, None, math.nan])
def test_nothing_survives_of_a_utility_of_zero(kind: str, after: float | None) -> None:
    survives = RemovalCriterion(kind, 0.5).utility_survives(0.0, after)  # type: ignore[arg-type]
    assert is_removed(True, False, survives) is Outcome.UTILITY_LOST


def test_a_distance_of_zero_is_the_best_there_is() -> None:
    rule = RemovalCriterion("absolute", 0.5)
    assert rule.utility_survives(0.0, 0.1, higher_is_better=False)
    assert not rule.utility_survives(0.0, 0.6, higher_is_better=False)
