"""Drawing keys row by row, and the binomial test behind a forger's claim."""

from __future__ import annotations

from math import comb

import pytest
import torch
from torch import Tensor

from ownmark.contracts import Evidence, Key
from ownmark_forgery.forger import claim
from ownmark_forgery.resample import mixed, resample


def drawn(seed: int, bits: int = 40) -> Key:
    rng = torch.Generator().manual_seed(seed)
    projection = torch.randn(bits, 7, generator=rng)
    return Key("test", {"projection": projection, "other": torch.full((3,), float(seed))}, {"seed": seed})


def test_rows_are_taken_from_the_other_key_along_the_symbols() -> None:
    rows = torch.arange(40) % 3 == 0
    one = mixed(drawn(0), drawn(1), rows)
    assert torch.equal(one["projection"][rows], drawn(1)["projection"][rows])
    assert torch.equal(one["projection"][~rows], drawn(0)["projection"][~rows])
    assert torch.equal(one["other"], drawn(0)["other"])


def test_columns_are_taken_where_symbols_are_columns() -> None:
    rows = torch.tensor([True, False, True])
    one = mixed(Key("t", {"a": torch.zeros(5, 3)}), Key("t", {"a": torch.ones(5, 3)}), rows)
    assert one["a"].tolist() == [[1.0, 0.0, 1.0]] * 5


def test_about_two_draws_a_symbol_suffice() -> None:
    target = torch.randn(7, generator=torch.Generator().manual_seed(9))
    draws: list[int] = []

    def draw() -> Key:
        draws.append(len(draws))
        return drawn(len(draws))

    def read(key: Key) -> Tensor:
        return key["projection"] @ target > 0

    assert bool(read(resample(draw, read, 64)).all())
    assert len(draws) <= 20


def test_rounds_limit_the_draws_and_the_best_key_is_kept() -> None:
    draws: list[int] = []

    def draw() -> Key:
        draws.append(len(draws))
        return drawn(len(draws))

    best = resample(draw, lambda key: torch.zeros(40, dtype=torch.bool), 5)
    assert len(draws) == 6
    assert best.values["seed"] == 1


@pytest.mark.parametrize(("hits", "claims"), [(15, 1.0), (14, 0.0)])
def test_claims_follow_the_exact_binomial_test(hits: int, claims: float) -> None:
    matches = torch.arange(20) < hits
    found = claim(Evidence(matches, chance=0.5))
    tail = sum(comb(20, k) for k in range(hits, 21)) / 2**20
    assert found["forged_p_value"] == pytest.approx(tail)
    assert (found["forged_hits"], found["forged_n"], found["forged_claim"]) == (hits, 20, claims)


def test_without_a_known_chance_nothing_is_claimed() -> None:
    assert claim(Evidence(torch.ones(4, dtype=torch.bool)))["forged_claim"] == "uncalibrated"
