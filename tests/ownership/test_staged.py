"""A rank test in two stages: valid whatever the suspect, and no less sharp than the same test at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from ownmark.ownership.staged import Staged


def p_value(first: Any, whole: Any, owner: int, further: bool = True) -> float:
    """Of the key in one row, all others being its decoys; shares of first and of all symbols [keys]."""
    others = [i for i in range(len(first)) if i != owner]
    staged = Staged(first[owner], [first[i] for i in others])
    return staged.rank(whole[owner] if further else None, [whole[others[i]] for i in staged.read_on]).p_value


def table(seed: int, keys: int, symbols: int, lean: float) -> tuple[list[float], list[float]]:
    """Shares of the first 5 and of all symbols; many ties."""
    rng = np.random.default_rng(seed)
    seen = rng.random((keys, symbols)) < (rng.beta(0.4, 0.6, (keys, 1)) if lean < 0 else lean)
    return seen[:, :5].mean(1).tolist(), seen.mean(1).tolist()


@pytest.mark.parametrize("lean", [0.0, 0.1, 0.5, 0.97, 1.0, -1.0])
@pytest.mark.parametrize(("keys", "symbols"), [(20, 25), (40, 8), (100, 50)])
def test_of_all_keys_no_more_than_k_have_one_of_the_k_smallest_p_values(
    keys: int, symbols: int, lean: float
) -> None:
    """Which is what makes a rank exact: the owner's key is any of them. It holds wherever the budget ends, too."""
    for seed in range(12):
        first, whole = table(seed, keys, symbols, lean)
        for further in (True, False):
            found = sorted(p_value(first, whole, owner, further) for owner in range(keys))
            assert all(p >= (place + 1) / keys - 1e-12 for place, p in enumerate(found))


@pytest.mark.parametrize(
    ("first", "whole", "p"),
    [
        ([1.0, 0.8, 0.2, *[0.0] * 17], [0.5, 0.9, 0.9, *[0.0] * 17], 0.05),  # leads alone: never read on
        (
            [0.8, 1.0, 0.8, *[0.0] * 17],
            [0.9, 0.1, 0.5, *[0.0] * 17],
            0.1,
        ),  # behind the decoy that leads alone
        ([0.8, 0.8, 0.8, *[0.0] * 17], [0.9, 0.8, 0.5, *[0.0] * 17], 0.05),  # all symbols tell
        ([0.8, 0.8, 0.8, *[0.0] * 17], [0.8, 0.8, 0.5, *[0.0] * 17], 0.1),  # and a tie is no claim
        ([0.2, *[0.4] * 5, *[0.0] * 14], [0.9, *[0.2] * 19], 0.3),  # given up
        ([1.0, *[1.0] * 9, *[0.0] * 10], [0.9, *[0.2] * 19], 0.05),  # all that lead together are read on
        ([0.0, *[0.0] * 19], [0.9, *[0.2] * 19], 1.0),  # and nobody who matches nothing
    ],
)
def test_order_of_keys(first: list[float], whole: list[float], p: float) -> None:
    assert p_value(first, whole, 0) == pytest.approx(p)


def test_only_those_ahead_are_read_on() -> None:
    assert Staged(1.0, [0.8, 0.6, *[0.0] * 17]).read_on == []
    assert Staged(0.0, [0.8, 0.6, *[0.0] * 17]).read_on == []
    assert Staged(0.8, [0.8, 0.0, 1.0, *[0.0] * 16]).read_on == [0]
    assert Staged(0.8, [*[0.8] * 7, *[0.0] * 12]).read_on == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("lean", [0.1, 0.3, 0.6])
def test_as_sharp_as_the_same_test_at_once(lean: float) -> None:
    trials, early, at_once = 1500, 0, 0
    for seed in range(trials):
        first, whole = table(seed, 20, 25, lean)
        early += p_value(first, whole, 0) <= 0.05
        at_once += sum(other >= whole[0] for other in whole[1:]) == 0
    assert stats.binom.sf(early - 1, trials, 0.05) > 1e-6
    assert early >= 0.8 * at_once
