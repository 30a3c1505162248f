"""The spread of null hit counts: a table worked by hand, limit cases, and simulated variance components."""

import math

import numpy as np
import pytest

from ownmark.stats import spread


def test_spread_of_a_table_worked_by_hand() -> None:
    # model means 2, 6; key means 3, 3.5, 5.5; residual 9 / 2; model part 8 - 4.5 / 3; key part < 0
    found = spread(np.array([[1, 3, 2], [5, 4, 9]]))
    assert (found.mean, found.variance) == pytest.approx((4, 6.5 + 4.5))
    assert found.effective_pairs == pytest.approx(11 / (6.5 / 2 + 4.5 / 6))
    assert found.sd == pytest.approx(math.sqrt(11 + 4))
    # mean squares 24, 4.5 (key, raised to the residual's), 4.5; weights 1.5 / 3, (4 / 3) / 2, 7 / 6 - both
    assert found.df == pytest.approx(15**2 / (12**2 / 1 + 3**2 / 2 + 0**2 / 2))


def test_models_that_answer_every_key_alike_count_once_each() -> None:
    counts = np.repeat(np.array([[3], [9], [4], [7], [1]]), 50, axis=1)
    found = spread(counts)
    assert found.effective_pairs == pytest.approx(5)
    assert found.df == pytest.approx(4)
    assert found.variance == pytest.approx(np.var([3, 9, 4, 7, 1], ddof=1))


def test_keys_that_fool_every_model_alike_count_once_each() -> None:
    found = spread(np.repeat(np.array([[3, 9, 4, 7, 1, 2]]), 50, axis=0))
    assert (found.effective_pairs, found.df) == pytest.approx((6, 5))


def test_independent_pairs_count_nearly_all() -> None:
    counts = np.random.default_rng(0).binomial(100, 0.1, size=(40, 50))
    assert 1000 < spread(counts).effective_pairs <= 2000


def test_spread_finds_the_simulated_variance_on_average() -> None:
    rng = np.random.default_rng(0)
    shape, found = (8, 12), []
    for _ in range(400):
        models, keys = rng.normal(0, 3, (8, 1)), rng.normal(0, 2, (1, 12))
        found.append(spread(50 + models + keys + rng.normal(0, 1, shape)))
    assert np.mean([s.variance for s in found]) == pytest.approx(9 + 4 + 1, rel=0.06)
    of_mean = np.mean([s.variance / s.effective_pairs for s in found])
    assert of_mean == pytest.approx(9 / 8 + 4 / 12 + 1 / 96, rel=0.06)
    assert np.var([s.mean for s in found]) == pytest.approx(9 / 8 + 4 / 12 + 1 / 96, rel=0.2)


@pytest.mark.parametrize(("shape", "pairs"), [((1, 1), 1), ((1, 30), 1), ((5, 1), 5), ((5, 30), 150)])
def test_equal_counts_have_no_spread_and_one_model_is_one_pair(shape: tuple[int, int], pairs: int) -> None:
    found = spread(np.full(shape, 7))
    assert (found.mean, found.variance, found.sd, found.df) == (7, 0, 0, math.inf)
    assert found.effective_pairs == pairs


def test_one_model_or_one_key_gives_the_sample_variance() -> None:
    counts = np.array([[3, 9, 4, 7]])
    alone, single_key = spread(counts), spread(counts.T)
    assert alone.variance == single_key.variance == pytest.approx(np.var(counts, ddof=1))
    assert (alone.df, single_key.df) == (3, 3)
    assert (alone.effective_pairs, single_key.effective_pairs) == (1, 4)
