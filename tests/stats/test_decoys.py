"""Decoys: exact for every suspect that is independent of the key, whatever it does; and a claim with its own key."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from ownmark.stats import claim_rate, holm, least_decoys, null_p_value, rank_among

CLASSES, N = 10, 50
Labels = npt.NDArray[np.int64]


def fixed(rng: np.random.Generator, count: tuple[int, ...]) -> Labels:
    """Keys of one target class each: labels [*count, N]."""
    return np.broadcast_to(rng.integers(CLASSES, size=(*count, 1)), (*count, N))


def uniform(rng: np.random.Generator, count: tuple[int, ...]) -> Labels:
    """Keys of random labels: [*count, N]."""
    return rng.integers(CLASSES, size=(*count, N))


def in_five(rng: np.random.Generator, count: tuple[int, ...]) -> Labels:
    """Keyed marks: five motifs in turn, each with a label."""
    return np.tile(rng.random((*count, CLASSES)).argsort(-1)[..., :5], N // 5)


def loving(rng: np.random.Generator, shape: tuple[int, ...]) -> Labels:
    """Suspects [trials, keys, N] that answer one class to nine in ten strange inputs."""
    loved = rng.integers(CLASSES, size=(shape[0], 1, 1))
    return np.where(rng.random(shape) < 0.9, loved, rng.integers(CLASSES, size=shape))


def guessing(rng: np.random.Generator, shape: tuple[int, ...]) -> Labels:
    return rng.integers(CLASSES, size=shape)


def constant(rng: np.random.Generator, shape: tuple[int, ...]) -> Labels:
    return np.broadcast_to(rng.integers(CLASSES, size=(shape[0], 1, 1)), shape)


def biased(rng: np.random.Generator, shape: tuple[int, ...]) -> Labels:
    """Every key has images of its own, to which each suspect leans in its own way."""
    bounds = rng.dirichlet(np.full(CLASSES, 0.2), size=shape[:-1]).cumsum(-1)[..., :-1]
    drawn = rng.random(shape)
    return sum((drawn > bounds[..., place, None]).astype(np.int64) for place in range(CLASSES - 1))


LAWS = {"one target": fixed, "random labels": uniform, "five motifs": in_five}
SUSPECTS = {"loves a class": loving, "guesses": guessing, "constant": constant, "leans": biased}


def p_values(law: str, suspect: str, trials: int, decoys: int) -> list[float]:
    """Of the owner's key, the first of each trial, on suspects that know nothing of it."""
    rng, shape = np.random.default_rng(7), (trials, decoys + 1)
    matches = LAWS[law](rng, shape) == SUSPECTS[suspect](rng, (*shape, N))
    return [rank_among(own, others).p_value for own, *others in matches.mean(-1).tolist()]


@pytest.mark.parametrize(("law", "suspect"), list(itertools.product(LAWS, SUSPECTS)))
def test_two_thousand_suspects_are_claimed_no_more_often_than_stated(law: str, suspect: str) -> None:
    found = np.array(p_values(law, suspect, 2000, 99))
    for rate in (0.05, 0.01):
        claims = int((found <= rate).sum())
        # fewer than one false alarm of this check in a million
        assert stats.binom.sf(claims - 1, 2000, rate) > 1e-6, f"{claims} of 2000 claimed at {rate}"


def test_decoys_of_another_law_are_found_out_by_this_simulation() -> None:
    """A claimant whose decoys have random labels, while his own key has one target."""
    rng = np.random.default_rng(7)
    labels = np.concatenate([fixed(rng, (2000, 1)), uniform(rng, (2000, 99))], axis=1)
    matches = (labels == loving(rng, (2000, 100, N))).mean(-1)
    claims = sum(rank_among(own, others).p_value <= 0.05 for own, *others in matches.tolist())
    assert stats.binom.sf(claims - 1, 2000, 0.05) < 1e-6


def test_the_binomial_is_wrong_where_the_decoys_are_right() -> None:
    rng = np.random.default_rng(3)
    hits = (fixed(rng, (300, 1)) == loving(rng, (300, 1, N))).sum(-1)
    assert (stats.binom.sf(hits - 1, N, 1 / CLASSES) <= 0.05).mean() > 0.07


def test_a_network_that_carries_the_key_is_claimed() -> None:
    rng = np.random.default_rng(0)
    keys = in_five(rng, (100,))
    answers = biased(rng, (100, N))
    answers[0] = np.where(rng.random(N) < 0.1, 0, keys[0])  # nine in ten triggers survive
    own, *others = (keys == answers).mean(1).tolist()
    assert rank_among(own, others).p_value == pytest.approx(1 / 100)


@pytest.mark.parametrize(("rate", "count"), [(0.05, 19), (0.01, 99), (0.001, 999), (1e-6, 999_999), (0.3, 3)])
def test_so_many_decoys_allow_a_claim_and_one_fewer_does_not(rate: float, count: int) -> None:
    assert least_decoys(rate) == count
    assert rank_among(1.0, [0.0] * count).p_value <= rate < rank_among(1.0, [0.0] * (count - 1)).p_value


def test_ties_count_against_the_owner() -> None:
    found = rank_among(0.5, [0.5, 0.4, 0.6, 0.5])
    assert (found.n, found.as_much, found.p_value, found.highest) == (4, 3, 0.8, 0.6)
    with pytest.raises(ValueError, match="at least one decoy"):
        rank_among(1.0, [])


def test_null_models_give_one_value_each() -> None:
    assert null_p_value(1.0, [0.0] * 8) == pytest.approx(1 / 9)
    assert null_p_value(0.2, [0.1, 0.2, 0.3]) == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.05], [0.05]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.01, 0.02], [0.04, 0.03, 0.04]),
    ],
)
def test_holm_as_worked_out_by_hand(given: list[float], adjusted: list[float]) -> None:
    assert holm(given) == pytest.approx(adjusted)


def test_sixteen_marks_asked_of_one_innocent_make_a_claim_as_often_as_one() -> None:
    rng = np.random.default_rng(5)
    families = rng.random((2000, 16))
    assert (families.min(1) <= 0.05).mean() > 0.5
    claimed = sum(min(holm(family.tolist())) <= 0.05 for family in families)
    assert stats.binom.sf(claimed - 1, 2000, 0.05) > 1e-6


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("networks", [10, 20, 50])
def test_intervals_cover_where_a_few_networks_are_claimed_by_every_key(share: float, networks: int) -> None:
    rng, covered = np.random.default_rng(11), 0
    for _ in range(400):
        _, interval = claim_rate(np.repeat(rng.random((networks, 1)) < share, 20, axis=1))
        covered += share in interval
    assert covered >= 0.95 * 400 - 3 * (400 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize("spread", [0.05, 0.5, 5.0])
def test_intervals_cover_where_networks_lean(spread: float) -> None:
    rng, covered = np.random.default_rng(12), 0
    for _ in range(400):
        rates = rng.beta(0.05 * spread, 0.95 * spread, size=(20, 1))
        _, interval = claim_rate(rng.random((20, 20)) < rates)
        covered += 0.05 in interval
    assert covered >= 0.95 * 400 - 3 * (400 * 0.05 * 0.95) ** 0.5


def test_no_claim_on_twenty_networks_leaves_a_rate_of_one_in_six() -> None:
    rate, interval = claim_rate(np.zeros((20, 20), dtype=bool))
    assert (rate, interval.low) == (0.0, 0.0)
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 20))
