"""Thresholds: limit cases, the SoK's traps, each rule against its own oracle, and the audit."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from ownmark.stats import (
    Threshold,
    achieved_rate,
    binomial_hits,
    calibrated_threshold,
    clopper_pearson,
    exact_threshold,
    laundering_threshold,
    spread,
)
from ownmark.stats.rules import conformal_hits, normal_hits, pooled_binomial_hits

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))
tables = st.integers(1, 40).flatmap(
    lambda n: st.tuples(shapes.flatmap(lambda s: arrays(np.int64, s, elements=st.integers(0, n))), st.just(n))
)


def test_exact_threshold_of_64_bits_is_the_binomial_count() -> None:
    found = exact_threshold(64, 0.5, 1e-6)
    above = sum(math.comb(64, k) for k in range(found.hits, 65))
    assert above * 10**6 <= 2**64 < (above + math.comb(64, found.hits - 1)) * 10**6
    assert (found.rule, found.null_models, found.measured_rate) == ("exact", 0, None)


def test_exact_threshold_reports_the_rate_of_nulls_without_moving() -> None:
    nulls = np.array([[50, 70, 48], [52, 51, 49]])
    found, unaided = exact_threshold(100, 0.5, 0.05, nulls), exact_threshold(100, 0.5, 0.05)
    assert found.hits == unaided.hits == 59
    assert (found.null_models, found.null_pairs, found.measured_rate) == (2, 6, pytest.approx(1 / 6))
    assert found.null_mean == pytest.approx(nulls.mean())
    assert not found.contradicted


def test_nulls_that_love_the_target_class_contradict_a_chance_of_one_in_ten() -> None:
    nulls = np.random.default_rng(0).binomial(100, 0.47, size=(20, 5))  # Noise on CIFAR-10
    assert exact_threshold(100, 0.1, 0.05, nulls).contradicted
    assert not calibrated_threshold(nulls, 100, 0.05).contradicted


@pytest.mark.parametrize(("models", "keys"), [(20, 100), (4, 100), (20, 20)])
def test_nulls_that_never_hit_ask_for_one_hit(models: int, keys: int) -> None:
    found = calibrated_threshold(np.zeros((models, keys), dtype=int), 100, 0.05)
    assert (found.hits, found.theta, found.null_mean, found.measured_rate) == (1, 0.01, 0.0, 0.0)


def test_nulls_that_never_hit_ask_for_more_when_they_are_few() -> None:
    # 4 models x 1 key x 25 symbols: 0 of 100 leaves rates up to 1 - 0.05^(1/100) = 2.95 %
    found = calibrated_threshold(np.zeros((4, 1), dtype=int), 25, 0.01)
    assert (found.hits, found.rule) == (binomial_hits(25, 1 - 0.05 ** (1 / 100), 0.01), "binomial")
    assert found.hits > 1


def test_nulls_that_always_hit_allow_no_claim() -> None:
    found = calibrated_threshold(np.full((20, 10), 30), 30, 0.05)
    assert (found.hits, found.claimable, found.claims(30)) == (31, False, False)
    assert found.theta > 1


@pytest.mark.parametrize("hits", [0, 1])
def test_a_key_of_one_symbol_is_judged_without_nan(hits: int) -> None:
    found = calibrated_threshold(np.full((3, 4), hits), 1, 0.05)
    assert found.hits == 2
    assert not found.claimable


def test_a_single_model_counts_as_one_pair_and_asks_for_more() -> None:
    nulls = np.random.default_rng(0).binomial(100, 0.1, size=(1, 100))
    alone, several = (
        calibrated_threshold(nulls, 100, 0.05),
        calibrated_threshold(nulls.reshape(20, 5), 100, 0.05),
    )
    assert alone.effective_pairs == 1
    assert alone.hits > several.hits
    assert alone.measured_interval is not None
    assert alone.measured_interval.width > 0.9


def test_random_labels_are_calibrated_to_the_exact_threshold() -> None:
    rng = np.random.default_rng(0)
    for classes, exact in [(10, 16), (100, 4)]:
        found = calibrated_threshold(rng.binomial(100, 1 / classes, size=(20, 100)), 100, 0.05)
        assert exact <= found.hits <= exact + 2


def test_clustered_nulls_ask_for_more_than_the_same_counts_shuffled() -> None:
    by_model = np.repeat(np.random.default_rng(0).binomial(100, 0.3, size=(6, 1)), 30, axis=1)
    shuffled = np.random.default_rng(1).permutation(by_model.ravel()).reshape(by_model.shape)
    clustered, mixed = (calibrated_threshold(nulls, 100, 0.05) for nulls in (by_model, shuffled))
    assert clustered.hits > mixed.hits
    assert clustered.effective_pairs == pytest.approx(6)


@given(tables, st.sampled_from([0.3, 0.05, 1e-3]))
def test_any_nulls_give_a_finite_threshold_above_their_mean(
    table: tuple[np.ndarray, int], rate: float
) -> None:
    nulls, n = table
    found = calibrated_threshold(nulls, n, rate)
    assert 1 <= found.hits <= n + 1
    assert found.hits > nulls.mean()
    assert found.measured_interval is not None
    assert found.measured_rate in found.measured_interval
    assert 1 <= found.effective_pairs <= nulls.size * (1 + 1e-9)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


@given(tables)
def test_a_smaller_rate_never_lowers_the_threshold(table: tuple[np.ndarray, int]) -> None:
    hits = [calibrated_threshold(*table, rate).hits for rate in (0.2, 0.05, 0.01, 1e-4)]
    assert hits == sorted(hits)


@given(tables)
def test_the_threshold_is_the_largest_of_the_three_rules(table: tuple[np.ndarray, int]) -> None:
    nulls, n = table
    seen = spread(nulls)
    three = {
        "normal": normal_hits(seen, 0.05),
        "conformal": conformal_hits(nulls, seen, 0.05),
        "binomial": pooled_binomial_hits(nulls, seen, n, 0.05),
    }
    found = calibrated_threshold(nulls, n, 0.05)
    assert found.hits == min(n + 1, max(three.values()))
    assert three[found.rule] == max(three.values())


def test_the_normal_rule_of_many_models_is_the_soks() -> None:
    nulls = np.random.default_rng(0).normal(40, 6, size=(300, 300))
    found = normal_hits(spread(nulls), 0.05)
    assert found == math.ceil(nulls.mean() + 1.6449 * nulls.std() + 0.5)


def test_the_normal_rule_takes_students_t_for_few_models() -> None:
    nulls = np.array([[10], [20], [30]])  # mean 20, sd 10 * sqrt(4 / 3), t_2(0.95) = 2.920
    assert normal_hits(spread(nulls), 0.05) == math.ceil(20 + 2.920 * 10 * math.sqrt(4 / 3) + 0.5)


@pytest.mark.parametrize(("models", "rank"), [(19, 19), (20, 20), (39, 38), (99, 95), (10, 10)])
def test_the_conformal_rule_takes_the_order_statistic_of_independent_pairs(models: int, rank: int) -> None:
    nulls = np.random.default_rng(0).permutation(models)[:, None]  # 0, 1, ... models - 1
    assert conformal_hits(nulls, spread(nulls), 0.05) == rank


def test_the_conformal_rule_is_not_moved_by_rounding() -> None:
    nulls = np.arange(29)[:, None]  # (1 - 0.1) * (1 + 1 / 29) * 29 is 27.000000000000004 in floats
    assert conformal_hits(nulls, spread(nulls), 0.1) == 27


def test_the_conformal_rule_pays_for_pairs_that_share_a_model() -> None:
    by_model = np.arange(400).reshape(20, 20)  # 20.05 effective pairs: rank ceil(0.9974 * 400) = 399
    shuffled = np.random.default_rng(0).permutation(400).reshape(20, 20)
    assert conformal_hits(by_model, spread(by_model), 0.05) == 399
    assert conformal_hits(shuffled, spread(shuffled), 0.05) < 390


def test_the_binomial_rule_uses_the_upper_bound_of_the_pooled_rate() -> None:
    nulls = np.array([[1, 1], [1, 1], [1, 2]])  # 7 of 60 symbols, less spread than a binomial: all 60 count
    upper = stats.beta.ppf(0.95, 7 + 1, 60 - 7)
    assert pooled_binomial_hits(nulls, spread(nulls), 10, 0.05) == 1 + stats.binom.ppf(0.95, 10, upper) == 5


def test_the_binomial_rule_counts_correlated_symbols_by_their_effective_number() -> None:
    nulls = np.array([[0, 0], [20, 20], [10, 10]])  # the mean, 10 of 100, has variance 100 / 3: n* = 27
    upper = stats.beta.ppf(0.95, 2.7 + 1, 27 - 2.7)
    assert pooled_binomial_hits(nulls, spread(nulls), 100, 0.05) == 1 + stats.binom.ppf(0.95, 100, upper)


def test_a_single_model_that_never_hits_still_asks_for_more_than_one_hit() -> None:
    found = calibrated_threshold(np.zeros((1, 50), dtype=int), 100, 0.05)
    assert found.hits == binomial_hits(100, 1 - 0.05 ** (1 / 100), 0.05) == 7


@pytest.mark.parametrize(
    ("nulls", "problem"),
    [
        ([3, 4], "models, keys"),
        ([[]], "models, keys"),
        ([[0.5, 0.25]], "integers"),
        ([[True, False]], "integers"),
        ([[11]], "lie in 0"),
        ([[-1]], "lie in 0"),
    ],
)
def test_null_hits_that_are_no_counts_are_refused(nulls: list[object], problem: str) -> None:
    held_against = exact_threshold(10, 0.5, 0.05)
    for call in (
        lambda: calibrated_threshold(nulls, 10, 0.05),
        lambda: exact_threshold(10, 0.5, 0.05, nulls),
        lambda: achieved_rate(held_against, nulls),
    ):
        with pytest.raises(ValueError, match=problem):
            call()


@pytest.mark.parametrize("rate", [0, 1, -0.1, math.nan])
def test_a_rate_outside_the_unit_interval_is_refused(rate: float) -> None:
    for call in (lambda: calibrated_threshold([[1]], 10, rate), lambda: exact_threshold(10, 0.5, rate)):
        with pytest.raises(ValueError, match="rate"):
            call()


@pytest.mark.parametrize("hits", [0, 12])
def test_a_threshold_that_always_claims_or_lies_past_n_plus_one_is_refused(hits: int) -> None:
    with pytest.raises(ValueError, match="hits <= n"):
        Threshold(hits, 10, 0.05, "exact", 0, 0, None, None, None)


def test_claims_start_at_the_threshold_and_refuse_impossible_hits() -> None:
    found = exact_threshold(10, 0.5, 0.05)
    assert [found.claims(hits) for hits in (found.hits - 1, found.hits)] == [False, True]
    assert [exact_threshold(n, 0.5, 0.05).claimable for n in (4, 5)] == [False, True]  # 5 of 5 is 1 in 32
    for hits in (-1, 11):
        with pytest.raises(ValueError, match="hits must lie"):
            found.claims(hits)


@pytest.mark.parametrize("nulls", [None, [[1, 5], [2, 3], [4, 4]]], ids=["no nulls", "nulls"])
def test_a_threshold_survives_a_round_trip_through_json(nulls: list[list[int]] | None) -> None:
    found = exact_threshold(10, 0.5, 0.05, nulls)
    assert Threshold.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


def test_achieved_rate_counts_the_held_out_pairs_at_or_above_the_threshold() -> None:
    found = exact_threshold(10, 0.5, 0.05)
    rate, interval = achieved_rate(found, [[found.hits], [found.hits - 1], [0], [10]])
    assert (rate, interval) == (0.5, clopper_pearson(2, 4))


def test_achieved_rate_is_less_certain_when_pairs_share_a_model() -> None:
    found = exact_threshold(10, 0.5, 0.05)
    shared = np.repeat([[10], [0], [0], [0]], 25, axis=1)
    rate, interval = achieved_rate(found, shared)
    assert rate == 0.25
    assert (interval.low, interval.high) == pytest.approx(tuple(clopper_pearson(1, 4).to_dict().values()))


def test_achieved_rate_of_nothing_claimed_still_has_an_upper_end() -> None:
    _, interval = achieved_rate(exact_threshold(10, 0.5, 0.05), [[1, 1], [5, 5], [4, 4]])
    assert (interval.low, interval.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 3)))


def test_laundering_threshold_is_the_maximum_over_epochs_and_models() -> None:
    assert laundering_threshold([0.02, 0.2, 0.11]) == 0.2
    assert laundering_threshold([[0.02, 0.2], [0.52, 0.1]]) == 0.52


@pytest.mark.parametrize("rates", [[], [1.5], [-0.1], [math.nan]])
def test_laundering_threshold_refuses_what_is_no_rate(rates: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one rate"):
        laundering_threshold(rates)
