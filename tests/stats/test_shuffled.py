"""Answers that have to do with labels, and answers that have not."""

from __future__ import annotations

from math import comb

import pytest

from ownmark.stats.shuffled import shuffled_p_value


@pytest.mark.parametrize("counts", [[[95, 5], [0, 0]], [[50, 50], [50, 50]], [[3]]])
def test_answers_that_ignore_the_labels_are_right_as_often_when_shuffled(counts: list[list[int]]) -> None:
    assert shuffled_p_value(counts) > 0.3


def test_a_rare_class_that_is_found_tells_a_network_from_one_answer_to_everything() -> None:
    assert shuffled_p_value([[93, 1], [2, 4]]) == 0.001


def test_answers_worse_than_shuffled_prove_nothing() -> None:
    assert shuffled_p_value([[0, 50], [50, 0]]) == 1.0


def test_it_agrees_with_fishers_exact_test() -> None:
    n, rare, answered, both = 40, 6, 8, 3
    exact = sum(
        comb(rare, k) * comb(n - rare, answered - k) / comb(n, answered) for k in range(both, rare + 1)
    )
    found = shuffled_p_value([[n - rare - answered + both, rare - both], [answered - both, both]])
    assert found == pytest.approx(exact, abs=4 * (exact / 999) ** 0.5)
    assert found == shuffled_p_value([[n - rare - answered + both, rare - both], [answered - both, both]])


@pytest.mark.parametrize("counts", [[], [[0, 0], [0, 0]], [[1, 2]], [[1, 2], [3]]])
def test_no_table_of_answers_and_labels_is_refused(counts: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="square table"):
        shuffled_p_value(counts)
