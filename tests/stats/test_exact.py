"""Exact tests against enumeration in integers, scipy, and the values printed in the papers."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from ownmark.stats import (
    binomial_hits,
    binomial_tail,
    fair_coin_tolerance,
    queries_needed,
    rank_p_value,
    rarity_bits,
    two_sample_rates,
)


def tail(hits: int, n: int, p: Fraction) -> Fraction:
    return sum((math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(max(0, hits), n + 1)), Fraction(0))


def test_binomial_tail_agrees_with_all_outcomes_of_three_symbols_of_four_classes() -> None:
    outcomes = list(itertools.product(range(4), repeat=3))
    for hits in range(5):
        expected = sum(outcome.count(0) >= hits for outcome in outcomes) / len(outcomes)
        assert binomial_tail(hits, 3, 0.25) == pytest.approx(expected, abs=1e-15)


@given(n=st.integers(1, 120), hits=st.integers(-2, 125), p=st.fractions(0, 1, max_denominator=50))
def test_binomial_tail_agrees_with_exact_fractions(n: int, hits: int, p: Fraction) -> None:
    assert binomial_tail(hits, n, float(p)) == pytest.approx(float(tail(hits, n, p)), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("n", "classes", "rate", "hits"),
    [
        (100, 10, 0.05, 16),
        (100, 10, 0.01, 19),
        (100, 10, 1e-6, 28),
        (100, 100, 0.05, 4),
        (100, 100, 0.01, 5),
        (100, 100, 1e-6, 9),
    ],
)
def test_binomial_hits_gives_the_known_counts_for_random_labels(
    n: int, classes: int, rate: float, hits: int
) -> None:
    assert binomial_hits(n, 1 / classes, rate) == hits


@given(n=st.integers(1, 300), p=st.floats(0, 1), rate=st.floats(1e-9, 0.5))
def test_binomial_hits_is_the_smallest_count_as_rare_as_the_rate(n: int, p: float, rate: float) -> None:
    hits = binomial_hits(n, p, rate)
    assert 1 <= hits <= n + 1
    assert stats.binom.sf(hits - 1, n, p) <= rate * (1 + 1e-9)
    assert stats.binom.sf(hits - 2, n, p) > rate * (1 - 1e-9)


def test_binomial_hits_exceeds_n_where_no_count_is_rare_enough() -> None:
    assert [binomial_hits(n, 0.5, 0.05) for n in (1, 4, 5)] == [2, 5, 5]
    assert binomial_hits(10, 1.0, 0.05) == 11
    assert binomial_hits(10, 0.0, 0.05) == 1


@given(n=st.integers(1, 200), p=st.floats(0.01, 0.98), rate=st.floats(1e-6, 0.4))
def test_binomial_hits_rises_with_chance_and_falls_with_the_rate(n: int, p: float, rate: float) -> None:
    assert binomial_hits(n, p, rate) <= binomial_hits(n, p + 0.01, rate)
    assert binomial_hits(n, p, rate) >= binomial_hits(n, p, 2 * rate)


@pytest.mark.parametrize(("n", "p", "rate"), [(0, 0.5, 0.05), (5, 1.5, 0.05), (5, 0.5, 0), (5, 0.5, 1)])
def test_binomial_hits_refuses_what_is_no_binomial_or_no_rate(n: int, p: float, rate: float) -> None:
    with pytest.raises(ValueError, match=r"need|must"):
        binomial_hits(n, p, rate)


def test_rank_p_value_counts_ties_against_the_claim() -> None:
    assert rank_p_value(5, [1, 5, 7, 2]) == 3 / 5
    assert rank_p_value(9, range(9)) == 1 / 10
    assert rank_p_value(9, []) == 1.0


def test_rank_p_value_is_valid_over_all_orders_of_exchangeable_values() -> None:
    orders = list(itertools.permutations([0, 1, 1, 2, 3]))
    p_values = [rank_p_value(order[0], order[1:]) for order in orders]
    for level in (0.2, 0.4, 0.6, 0.8):
        assert sum(p <= level + 1e-12 for p in p_values) / len(orders) <= level + 1e-12
    assert min(p_values) == 1 / 5


@pytest.mark.parametrize(("n", "mismatches"), [(20, 6), (50, 19), (100, 42), (500, 232)])
def test_fair_coin_tolerance_gives_frontier_stitchings_values(n: int, mismatches: int) -> None:
    assert fair_coin_tolerance(n) == mismatches


@given(n=st.integers(1, 300), rate=st.floats(0.001, 0.6))
def test_fair_coin_tolerance_keeps_the_rate_under_a_strict_comparison(n: int, rate: float) -> None:
    mismatches = fair_coin_tolerance(n, rate)
    assert stats.binom.cdf(mismatches - 1, n, 0.5) <= rate * (1 + 1e-9)
    assert stats.binom.cdf(mismatches, n, 0.5) >= rate * (1 - 1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "bits"), [(33, 40, 86.5), (37, 40, 110.1), (112, 128, 308.1), (0, 9, 0.0)]
)
def test_rarity_gives_roses_printed_bits(hits: int, n: int, bits: float) -> None:
    assert round(rarity_bits(hits, n, 10), 1) == bits


def test_rarity_does_not_underflow_where_the_probability_does() -> None:
    assert binomial_tail(1000, 1000, 0.1) == 0.0
    assert rarity_bits(1000, 1000, 10) == pytest.approx(1000 * math.log2(10))


@given(n=st.integers(1, 150), classes=st.integers(2, 200), data=st.data())
def test_rarity_agrees_with_scipy_and_grows_with_the_hits(n: int, classes: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(1, n))
    expected = -special.logsumexp(stats.binom.logpmf(range(hits, n + 1), n, 1 / classes)) / math.log(2)
    assert rarity_bits(hits, n, classes) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert rarity_bits(hits, n, classes) >= rarity_bits(hits - 1, n, classes)


@pytest.mark.parametrize(("hits", "n", "classes"), [(3, 2, 10), (-1, 2, 10), (0, 0, 10), (1, 2, 1)])
def test_rarity_refuses_impossible_counts_and_a_single_class(hits: int, n: int, classes: int) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        rarity_bits(hits, n, classes)


def ones(hits: int, n: int) -> list[int]:
    return [1] * hits + [0] * (n - hits)


@pytest.mark.filterwarnings("ignore:Precision loss")  # scipy's, of the sample without variance
@pytest.mark.parametrize("counts", [(9, 10, 1, 10), (60, 100, 41, 80), (3, 30, 5, 12), (30, 30, 1, 40)])
def test_two_sample_rates_is_the_one_sided_welch_test_of_scipy(counts: tuple[int, int, int, int]) -> None:
    expected = stats.ttest_ind(ones(*counts[:2]), ones(*counts[2:]), equal_var=False, alternative="greater")
    assert two_sample_rates(*counts) == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("counts", [(5, 5, 0, 7), (2, 2, 0, 2), (0, 4, 6, 6), (4, 4, 6, 6), (0, 4, 0, 6)])
def test_two_sample_rates_falls_back_on_fisher_where_both_samples_are_constant(
    counts: tuple[int, int, int, int],
) -> None:
    hits, n, null_hits, null_n = counts
    table = [[hits, n - hits], [null_hits, null_n - null_hits]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert two_sample_rates(*counts) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counts", [(1, 1, 0, 9), (4, 9, 0, 1), (5, 4, 0, 9), (1, 4, -1, 9)])
def test_two_sample_rates_refuses_single_queries_and_impossible_counts(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least 2|must"):
        two_sample_rates(*counts)


def test_queries_needed_follows_the_formula_by_hand() -> None:
    assert queries_needed(0.5, 0.3) == 125  # (2 * 1.6449)^2 * (0.25 + 0.21) / 0.04 = 124.5
    assert queries_needed(1.0, 0.0) == 2
    assert (
        queries_needed(0.5, 0.3, level=0.01) > queries_needed(0.5, 0.3) > queries_needed(0.5, 0.3, power=0.8)
    )


@pytest.mark.parametrize(("rate", "null_rate"), [(0.6, 0.2), (0.5, 0.3)])
def test_queries_needed_give_two_sample_rates_its_power_by_enumeration(rate: float, null_rate: float) -> None:
    n = queries_needed(rate, null_rate)
    power = sum(
        stats.binom.pmf(h, n, rate) * stats.binom.pmf(g, n, null_rate)
        for h, g in itertools.product(range(n + 1), repeat=2)
        if two_sample_rates(h, n, g, n) <= 0.05
    )
    assert power == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("rate", "null_rate"), [(0.3, 0.5), (0.3, 0.3), (1.1, 0.5), (0.5, -0.1)])
def test_queries_needed_refuses_rates_that_are_not_apart(rate: float, null_rate: float) -> None:
    with pytest.raises(ValueError, match="needs"):
        queries_needed(rate, null_rate)
