"""Does a calibrated threshold keep its rate? Nulls with model and key effects and beta-binomial margins.

A Gaussian copula gives each (model, key) pair a match rate whose margin is a beta distribution, so the true
rate of a threshold against a new model and a new key is a beta-binomial tail: the achieved rate carries no
sampling noise but that of the calibrations.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from ownmark.stats import Threshold, calibrated_threshold

N, RATE, CALIBRATIONS = 100, 0.05, 200
MARGINS = {
    "tight": (0.1, 0.005),
    "middle": (0.1, 0.1),
    "rare": (0.02, 0.05),
    "wild": (0.3, 0.3),
}  # mean, overdispersion
EFFECTS = {"independent": (0.0, 0.0), "models": (0.5, 0.0), "keys": (0.0, 0.5), "both": (0.4, 0.4)}  # shares


def shape_of(margin: str) -> tuple[float, float]:
    mean, overdispersion = MARGINS[margin]
    size = 1 / overdispersion - 1
    return mean * size, (1 - mean) * size


def null_hits(
    rng: np.random.Generator, models: int, keys: int, margin: str, by_model: float, by_key: float
) -> npt.NDArray[np.int64]:
    latent = by_model**0.5 * rng.standard_normal((models, 1)) + by_key**0.5 * rng.standard_normal((1, keys))
    latent = latent + (1 - by_model - by_key) ** 0.5 * rng.standard_normal((models, keys))
    return rng.binomial(N, stats.beta.ppf(stats.norm.cdf(latent), *shape_of(margin)))


@cache
def calibrations(models: int, keys: int, margin: str, by_model: float, by_key: float) -> list[Threshold]:
    rng = np.random.default_rng(2024)
    draws = (null_hits(rng, models, keys, margin, by_model, by_key) for _ in range(CALIBRATIONS))
    return [calibrated_threshold(hits, N, RATE) for hits in draws]


def true_rate(hits: npt.ArrayLike, margin: str) -> float:
    return float(np.mean(stats.betabinom.sf(np.asarray(hits) - 1, N, *shape_of(margin))))


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(("models", "keys"), [(4, 20), (10, 20), (20, 20), (20, 50)])
def test_the_stated_rate_is_kept(models: int, keys: int, margin: str, effects: str) -> None:
    found = calibrations(models, keys, margin, *EFFECTS[effects])
    assert true_rate([threshold.hits for threshold in found], margin) <= RATE


@pytest.mark.parametrize("margin", MARGINS)
def test_twenty_models_keep_the_rate_even_if_nearly_all_variation_is_theirs(margin: str) -> None:
    found = calibrations(20, 20, margin, 0.9, 0.0)
    assert true_rate([threshold.hits for threshold in found], margin) <= RATE


@pytest.mark.xfail(
    strict=True, reason="4 models show too little of a skewed spread between models: 0.06 to 0.09"
)
@pytest.mark.parametrize("margin", ["middle", "rare", "wild"])
def test_four_models_keep_the_rate_even_if_nearly_all_variation_is_theirs(margin: str) -> None:
    found = calibrations(4, 20, margin, 0.9, 0.0)
    assert true_rate([threshold.hits for threshold in found], margin) <= RATE


@pytest.mark.parametrize("margin", ["middle", "rare", "wild"])
def test_the_simulation_catches_the_soks_rule_taking_pairs_as_independent(margin: str) -> None:
    rng = np.random.default_rng(2024)
    draws = [null_hits(rng, 4, 20, margin, 0.5, 0.0) for _ in range(CALIBRATIONS)]
    naive = [np.ceil(hits.mean() + 1.6449 * hits.std()) for hits in draws]
    assert true_rate(naive, margin) > 1.3 * RATE


@pytest.mark.parametrize("margin", MARGINS)
def test_the_rate_is_not_kept_by_asking_for_the_impossible(margin: str) -> None:
    ideal = stats.betabinom.ppf(1 - RATE, N, *shape_of(margin)) + 1
    found = np.median([threshold.hits for threshold in calibrations(20, 50, margin, *EFFECTS["independent"])])
    assert ideal <= found <= ideal + 2


def test_reported_effective_pairs_fall_from_all_pairs_to_models() -> None:
    pairs = [
        np.median([t.effective_pairs or 0 for t in calibrations(20, 20, "middle", share, 0.0)])
        for share in (0.0, 0.5, 0.9)
    ]
    assert 100 < pairs[0] <= 400
    assert 25 < pairs[1] < 60
    assert 19 < pairs[2] < 25
