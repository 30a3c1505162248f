"""When an attack counts as a removal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownmark.stats import Outcome, RemovalCriterion, is_removed

MIRA = RemovalCriterion("relative", 0.9)
SOK = RemovalCriterion("absolute", 0.05)


@pytest.mark.parametrize(
    ("criterion", "before", "after", "kept"),
    [
        (MIRA, 0.929, 0.835, False),  # EW, CIFAR-10 transfer: 89.9 % of the clean accuracy
        (MIRA, 0.937, 0.925, True),
        (MIRA, 0.10, 0.09, True),  # exactly nine tenths; 0.9 * 0.1 is 0.09000000000000001
        (MIRA, 0.0, 0.0, False),
        (SOK, 0.95, 0.901, True),
        (SOK, 0.95, 0.90, False),  # exactly 5 points; 0.95 - 0.9 is 0.04999999999999993
        (SOK, 0.93, 0.88, False),
        (SOK, 0.50, 0.90, True),
        (MIRA, 0.9, math.nan, False),
        (SOK, 0.9, math.inf, False),
    ],
)
def test_utility_survives_as_the_papers_count_it(
    criterion: RemovalCriterion, before: float, after: float, kept: bool
) -> None:
    assert criterion.utility_survives(before, after) is kept


@pytest.mark.parametrize(
    ("criterion", "after", "kept"),
    [
        (MIRA, 11.11, True),
        (MIRA, 11.12, False),
        (MIRA, 3.0, True),
        (RemovalCriterion("absolute", 2), 11.9, True),
        (RemovalCriterion("absolute", 2), 12.0, False),
    ],
)
def test_utility_survives_where_lower_is_better(
    criterion: RemovalCriterion, after: float, kept: bool
) -> None:
    assert criterion.utility_survives(10.0, after, higher_is_better=False) is kept


@given(before=st.floats(0, 100), after=st.floats(0, 100), better=st.floats(0, 100))
@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("criterion", [MIRA, SOK], ids=["mira", "sok"])
def test_more_utility_never_turns_kept_into_lost(
    criterion: RemovalCriterion, higher: bool, before: float, after: float, better: float
) -> None:
    improved = after + better if higher else after - min(after, better)
    if criterion.utility_survives(before, after, higher):
        assert criterion.utility_survives(before, improved, higher)


@pytest.mark.parametrize(
    ("claims", "survives", "outcome"),
    [
        ((True, False), True, "removed"),
        ((True, False), False, "utility-lost"),
        ((True, True), True, "survived"),
        ((True, True), False, "survived"),
        ((False, False), True, "never-marked"),
        ((False, True), True, "never-marked"),
        ((False, False), False, "never-marked"),
    ],
)
def test_outcome_of_claims_and_utility(claims: tuple[bool, bool], survives: bool, outcome: str) -> None:
    assert is_removed(*claims, survives) == Outcome(outcome)


def test_outcome_prints_formats_and_compares_as_its_value() -> None:
    assert f"{Outcome.UTILITY_LOST}" == str(Outcome.UTILITY_LOST) == Outcome.UTILITY_LOST == "utility-lost"


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ("relative", 0),
        ("relative", 1.1),
        ("absolute", 0),
        ("absolute", math.nan),
        ("absolute", math.inf),
        ("percent", 0.5),
    ],
)
def test_criterion_refuses_unknown_kinds_and_senseless_amounts(kind: str, amount: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        RemovalCriterion(kind, amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(("criterion", "before"), [(MIRA, -0.1), (MIRA, math.nan), (SOK, math.inf)])
def test_criterion_refuses_to_judge_from_a_senseless_start(
    criterion: RemovalCriterion, before: float
) -> None:
    with pytest.raises(ValueError, match="cannot judge"):
        criterion.utility_survives(before, 0.5)
