"""Rescaled accuracy against MIRA's printed floors and its defining properties."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ownmark.stats import exact_threshold, raw_accuracy, rescaled_accuracy, rescaled_floor

unit = st.floats(0, 1)
below_one = st.floats(0, 0.999)

TABLE_B1 = {  # theta on MNIST, CIFAR-10, CIFAR-100 (MIRA, Table B.1); floors in percent, from MIRA's tables
    "content": ((0.0083, 0.1044, 0.0244), (49.6, 44.2, 48.7)),
    "noise": ((0.1057, 0.4697, 0.0151), (44.1, 5.7, 49.2)),
    "unrelated": ((0.0880, 0.0931, 0.0305), (45.2, 44.9, 48.4)),
    "piracy": ((0.2807, 0.1966, 0.1672), (30.5, 37.8, 40.0)),
    "ewe": ((0.0025, 0.0450, 0.0059), (49.9, 47.6, 49.7)),
    "adi": ((0.1490, 0.1425, 0.0176), (41.2, 41.7, 49.1)),
    "afs": ((0.1506, 0.2103, 0.0813), (41.1, 36.7, 45.6)),
    "ew": ((0.0025, 0.1335, 0.0088), (49.9, 42.3, 49.6)),
    "blind": ((0.1432, 0.1452, 0.0266), (41.6, 41.5, 48.6)),
    "mark": ((0.0025, 0.1381, 0.0125), (49.9, 42.0, 49.4)),
}


@pytest.mark.parametrize("scheme", TABLE_B1)
def test_floor_gives_the_lowest_values_of_miras_tables(scheme: str) -> None:
    thetas, floors = TABLE_B1[scheme]
    assert [100 * rescaled_floor(theta) for theta in thetas] == pytest.approx(floors, abs=0.051)


def test_floor_is_zero_from_a_threshold_of_one_half_on() -> None:
    assert rescaled_floor(0.5) == rescaled_floor(0.8) == 0.0 < rescaled_floor(0.49)


def test_one_surviving_key_of_a_hundred_is_not_removed_at_ewes_mnist_threshold() -> None:
    assert rescaled_accuracy(0.01, 0.0025) == pytest.approx(0.504, abs=5e-4)


@given(theta=below_one, theta_prime=below_one)
def test_threshold_maps_to_theta_prime_and_one_to_one(theta: float, theta_prime: float) -> None:
    assert rescaled_accuracy(theta, theta, theta_prime) == pytest.approx(theta_prime)
    assert rescaled_accuracy(1.0, theta, theta_prime) == 1.0


@given(x=unit, y=unit, theta=unit)
def test_rescaled_accuracy_never_falls_as_x_rises(x: float, y: float, theta: float) -> None:
    assert rescaled_accuracy(min(x, y), theta) <= rescaled_accuracy(max(x, y), theta)


@given(x=unit, theta=below_one, theta_prime=below_one)
def test_rescaled_accuracy_equals_the_two_term_form_of_the_paper(
    x: float, theta: float, theta_prime: float
) -> None:
    slope, shift = (1 - theta_prime) / (1 - theta), (theta_prime - theta) / (1 - theta)
    assert rescaled_accuracy(x, theta, theta_prime) == pytest.approx(max(0, slope * x + shift), abs=1e-9)


@given(x=unit, theta=below_one)
def test_raw_accuracy_undoes_the_rescaling_where_it_is_not_clamped(x: float, theta: float) -> None:
    s = rescaled_accuracy(x, theta)
    assume(s > 0)
    assert raw_accuracy(s, theta) == pytest.approx(x, abs=1e-9)


def test_raw_accuracy_of_zero_is_the_largest_clamped_x() -> None:
    assert raw_accuracy(0.0, 0.75) == 0.5
    assert raw_accuracy(rescaled_floor(0.02, 0.7), 0.02, 0.7) == 0.0  # without care, -2e-16
    assert rescaled_accuracy(0.5, 0.75) == 0.0 < rescaled_accuracy(0.501, 0.75)


@given(n=st.integers(1, 64), rate=st.sampled_from([0.05, 1e-3]), data=st.data())
def test_a_rescaled_half_is_exactly_a_claim(n: int, rate: float, data: st.DataObject) -> None:
    threshold = exact_threshold(n, 0.3, rate)
    assume(threshold.claimable)
    hits = data.draw(st.integers(0, n) | st.sampled_from([threshold.hits, threshold.hits - 1]))
    assert (rescaled_accuracy(hits / n, threshold.theta) >= 0.5) == threshold.claims(hits)


def test_a_threshold_of_one_is_a_step() -> None:
    assert (rescaled_accuracy(1.0, 1.0), rescaled_accuracy(0.99, 1.0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("x", "theta", "theta_prime"), [(1.1, 0.5, 0.5), (-0.1, 0.5, 0.5), (0.5, 1.01, 0.5), (0.5, 0.5, 1.0)]
)
def test_rescaled_accuracy_refuses_what_is_outside_its_range(
    x: float, theta: float, theta_prime: float
) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        rescaled_accuracy(x, theta, theta_prime)


@pytest.mark.parametrize(("s", "theta"), [(0.3, 0.1), (1.1, 0.1), (0.5, 1.0)])
def test_raw_accuracy_refuses_an_s_that_no_x_gives(s: float, theta: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in|no inverse"):
        raw_accuracy(s, theta)
