"""Does a suspect know the task: constants, guesses and worn copies are told from copies, and tests without power."""

import pytest
from scipy import stats

from ownmark.stats import Knowing


@pytest.mark.parametrize(("right", "constant"), [(50, 50), (10, 10), (18, 10)])
def test_a_constant_or_guessing_answer_does_not_know(right: int, constant: int) -> None:
    found = Knowing(right, 100, constant, 100)
    assert (found.knows, found.powerful) == (False, True)
    assert "one label" in found.reason or "marked network" in found.reason


def test_the_bar_over_a_constant_answer_is_the_binomial_at_one_percent() -> None:
    least = next(right for right in range(101) if Knowing(right, 100, 10).knows)
    assert stats.binom.sf(least - 1, 100, 0.1) < 0.01 <= stats.binom.sf(least - 2, 100, 0.1)


@pytest.mark.parametrize(("n", "constant"), [(100, 97), (3, 2), (10, 10), (0, 0)])
def test_images_of_nearly_one_class_cannot_tell_anybody(n: int, constant: int) -> None:
    found = Knowing(n, n, constant, n)
    assert (found.powerful, found.knows) == (False, False)
    assert "perfect copy would fail" in found.reason


@pytest.mark.parametrize("reference", [100, 80, 40])
def test_a_copy_passes_and_a_service_that_answers_three_in_ten_at_random_does_not(reference: int) -> None:
    assert Knowing(reference, 100, 10, reference).knows
    assert Knowing(round(0.95 * reference), 100, 10, reference).knows
    random = round(0.7 * reference + 3)
    assert (
        not Knowing(random, 100, 10, reference).knows or reference == 40
    )  # 31 of 40: n is too small to tell


def test_a_network_that_keeps_its_worth_is_refused_once_in_a_hundred() -> None:
    least = next(right for right in range(101) if Knowing(right, 100, 10, 90).near)
    assert stats.binom.cdf(least - 1, 100, 0.81) < 0.01 <= stats.binom.cdf(least, 100, 0.81)


def test_marks_without_a_reference_ask_for_the_constant_alone() -> None:
    assert Knowing(40, 100, 10, None).knows
    assert not Knowing(40, 100, 10, 100).knows
