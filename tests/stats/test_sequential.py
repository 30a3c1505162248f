"""Few queries: early stopping keeps the rate, and stops early."""

import numpy as np
import pytest
from scipy import stats

from ownmark.stats import Betting, Looks, binomial_hits, rank_among, symbols_to_claim

CHANCES = [0.5, 0.1, 0.01]


@pytest.mark.parametrize("chance", CHANCES)
@pytest.mark.parametrize("rate", [0.05, 0.01])
def test_whoever_guesses_is_claimed_no_more_often_than_stated_at_any_moment(
    chance: float, rate: float
) -> None:
    rng = np.random.default_rng(1)
    seen = rng.random((2000, 200)) < chance
    claimed = sum(symbols_to_claim(row.tolist(), chance, rate) is not None for row in seen)
    assert stats.binom.sf(claimed - 1, len(seen), rate) > 1e-6


def test_wealth_is_a_fair_game() -> None:
    for hits, n in [(0, 0), (3, 5), (5, 5), (0, 7)]:
        for chance in CHANCES:
            won, lost = Betting(chance, hits, n), Betting(chance, hits, n)
            won.see(True), lost.see(False)
            assert chance * np.exp(won.log_wealth) + (1 - chance) * np.exp(lost.log_wealth) == pytest.approx(
                1
            )


@pytest.mark.parametrize(
    ("rate", "chance", "most"),
    [(0.05, 0.1, 3), (1e-3, 0.1, 5), (1e-6, 0.1, 8), (0.05, 0.5, 8), (1e-6, 0.01, 5)],
)
def test_a_mark_that_is_read_completely_is_claimed_after_a_few_symbols(
    rate: float, chance: float, most: int
) -> None:
    count = symbols_to_claim([True] * 100, chance, rate)
    assert count is not None
    assert count <= most
    assert chance**count <= rate  # nobody can be faster


def test_half_of_the_queries_or_fewer_at_the_same_rate() -> None:
    rng = np.random.default_rng(2)
    for share in (1.0, 0.9, 0.6):
        counts = [symbols_to_claim((rng.random(100) < share).tolist(), 0.1, 0.05) or 100 for _ in range(400)]
        assert np.median(counts) <= 25 < 50
    assert binomial_hits(100, 0.1, 0.05) == 16


def test_too_little_evidence_never_claims() -> None:
    assert symbols_to_claim([False] * 50, 0.1, 0.05) is None
    assert symbols_to_claim([True], 0.1, 0.05) is None
    with pytest.raises(ValueError, match="chance"):
        Betting(1.0)


@pytest.mark.parametrize(("rate", "decoys"), [(0.05, 39), (0.01, 199)])
def test_two_looks_take_as_many_decoys_as_half_the_rate_needs(rate: float, decoys: int) -> None:
    looks = Looks(rate, 50)
    assert (looks.decoys, looks.first) == (decoys, 5)
    assert looks.decided(1 / (decoys + 1)) is True
    assert looks.decided(0.5) is False
    assert looks.decided(0.1) is None


@pytest.mark.parametrize("suspect", ["guesses", "leans"])
def test_two_looks_keep_the_rate_on_any_suspect(suspect: str) -> None:
    rng, looks, claims, trials = np.random.default_rng(3), Looks(0.05, 50), 0, 1500
    for _ in range(trials):
        lean = 0.1 if suspect == "guesses" else rng.beta(0.3, 0.7, size=(looks.decoys + 1, 1))
        seen = rng.random((looks.decoys + 1, 50)) < lean
        for part in (seen[:, : looks.first], seen):
            own, *others = part.mean(1).tolist()
            ranked = rank_among(own, others).at_two_looks()
            said = looks.decided(ranked.p_value / 2)
            if ranked.p_value <= 0.05:
                claims += 1
                break
            if said is False:
                break
    assert stats.binom.sf(claims - 1, trials, 0.05) > 1e-6
