"""How many decoys a verdict reads, and what it asks of them at rates that no affordable number can reach."""

from __future__ import annotations

from typing import Any

import pytest

from ownmark.contracts import Extractor
from ownmark.runner.decoys import AT_FINE_RATES, MOST, decoys_for, fewest_decoys
from ownmark.runner.verdict import Basis, verdict
from ownmark.stats import exact_threshold, least_decoys, rank_among


class OneByOne(Extractor):
    def extract(self, suspect: Any, key: Any, own: Any = None) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("rate", [0.05, 0.01, 1e-3, 1e-4])
def test_as_many_as_a_claim_takes_where_that_is_in_reason(rate: float) -> None:
    assert fewest_decoys(rate) == least_decoys(rate)
    for white in (True, False):
        assert least_decoys(rate) <= decoys_for(rate, OneByOne(), white) <= MOST


@pytest.mark.parametrize("rate", [1e-5, 1e-6, 1e-12])
def test_no_rate_asks_for_millions(rate: float) -> None:
    assert fewest_decoys(rate) == AT_FINE_RATES
    assert all(decoys_for(rate, OneByOne(), white) == AT_FINE_RATES for white in (True, False))


def judged(matching: int, rate: float, decoys: int, exact: bool = True) -> dict[str, Any]:
    """A perfect message of 64 bits beside `matching` decoys that match it as well."""
    ranked = rank_among(1.0, [1.0] * matching + [0.5] * (decoys - matching))
    basis = Basis(exact_threshold(64, 0.5, rate, [[32], [31]]), [0.5, 0.48], ranked)
    return verdict(64, 64, 0.5 if exact else None, basis)


def test_at_a_fine_rate_the_exact_tail_grants_it_and_no_decoy_may_match_as_much() -> None:
    assert judged(0, 1e-6, AT_FINE_RATES)["claim"] is True
    refused = judged(1, 1e-6, AT_FINE_RATES)
    assert refused["claim"] is False
    assert "1 of 999 fresh keys" in refused["reason"]


def test_too_few_decoys_claim_nothing() -> None:
    assert judged(0, 1e-6, 99)["claim"] is False
    assert judged(0, 0.05, 10)["claim"] is False
    assert judged(0, 0.05, 19)["claim"] is True


def test_without_an_exact_tail_decoys_must_reach_the_rate_themselves() -> None:
    assert judged(0, 1e-6, AT_FINE_RATES, exact=False)["claim"] is False
