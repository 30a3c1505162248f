"""Intervals against printed table values, scipy, and coverage by enumeration."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ownmark.stats import Interval, clopper_pearson, mean_interval, wilson

RateInterval = Callable[..., Interval]
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (1, 20, 0.0013, 0.2487), (10, 100, 0.0490, 0.1762)],
)
def test_clopper_pearson_gives_the_tabulated_values(hits: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(hits, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("name", "function"), [("exact", clopper_pearson), ("wilson", wilson)])
@given(counts=counts)
def test_rate_intervals_agree_with_scipy(
    name: str, function: RateInterval, confidence: float, counts: tuple[int, int]
) -> None:
    expected = stats.binomtest(*counts).proportion_ci(confidence, method=name)
    found = function(*counts, confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("p", [0.01, 0.05, 0.2, 0.5, 0.77])
@pytest.mark.parametrize("n", [1, 7, 30])
def test_clopper_pearson_covers_at_least_as_stated_by_enumeration(n: int, p: float) -> None:
    chance = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    assert sum(c for k, c in enumerate(chance) if p in clopper_pearson(k, n, 0.9)) >= 0.9


def test_clopper_pearson_of_fractional_counts_lies_between_its_neighbours() -> None:
    assert clopper_pearson(2, 20).high < clopper_pearson(2.5, 20).high < clopper_pearson(3, 20).high
    assert clopper_pearson(1, 10).width > clopper_pearson(1.05, 10.5).width > clopper_pearson(2, 20).width


@pytest.mark.parametrize("function", [clopper_pearson, wilson])
def test_rate_intervals_end_exactly_at_zero_and_one(function: RateInterval) -> None:
    assert function(0, 7).low == 0.0 < function(0, 7).high < 1
    assert function(7, 7).high == 1.0 > function(7, 7).low > 0


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 5), (6, 5), (0, -3), (math.nan, 5), (1, math.nan)])
@pytest.mark.parametrize("function", [clopper_pearson, wilson])
def test_rate_intervals_refuse_impossible_counts(function: RateInterval, hits: float, n: float) -> None:
    with pytest.raises(ValueError, match="must"):
        function(hits, n)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_intervals_refuse_a_confidence_outside_the_unit_interval(confidence: float) -> None:
    for call in (lambda: clopper_pearson(1, 2, confidence), lambda: mean_interval([1, 2], confidence)):
        with pytest.raises(ValueError, match="confidence"):
            call()


def test_mean_interval_gives_the_textbook_t_interval() -> None:
    found = mean_interval([1, 2, 3, 4, 5])  # 3 +- 2.776 * 1.5811 / sqrt(5)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((1.0368, 4.9632), abs=1e-4)


@given(
    values=st.lists(st.integers(-1000, 1000), min_size=2, max_size=20, unique=True),
    confidence=st.sampled_from([0.5, 0.95]),
)
def test_mean_interval_agrees_with_scipy(values: list[int], confidence: float) -> None:
    found, error = mean_interval(values, confidence), stats.tstd(values) / math.sqrt(len(values))
    expected = stats.t.ppf([(1 - confidence) / 2, (1 + confidence) / 2], len(values) - 1)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected * error + stats.tmean(values), abs=1e-6)


def test_mean_interval_of_one_seed_is_none_and_of_equal_seeds_a_point() -> None:
    assert mean_interval([0.7]) is None
    assert mean_interval([0.5, 0.5, 0.5]) == Interval(0.5, 0.5)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_mean_interval_refuses_nothing_and_what_is_not_finite(values: list[float]) -> None:
    with pytest.raises(ValueError, match="needs"):
        mean_interval(values)


def test_interval_refuses_reversed_and_nan_ends() -> None:
    for low, high in [(1, 0), (math.nan, 1), (0, math.nan)]:
        with pytest.raises(ValueError, match="low <= high"):
            Interval(low, high)


def test_interval_survives_a_round_trip_through_plain_data() -> None:
    assert Interval.from_dict(Interval(0.25, 0.75).to_dict()) == Interval(0.25, 0.75)
