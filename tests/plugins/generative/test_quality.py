"""Metrics of what is made, against oracles of a few lines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from ownmark_generative.captions.words import END, PADDING, START
from ownmark_generative.quality.captions import Bleu1, Bleu2, Bleu4, spelled
from ownmark_generative.quality.frechet import PixelFeatures, PixelFID, RandomFeatures, RandomFID
from ownmark_generative.quality.similarity import NearestSSIM, similarity


def pictures(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((count, *shape), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("metric", "features"), [(RandomFID, RandomFeatures), (PixelFID, PixelFeatures)])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 10)], ids=str)
def test_fid_is_the_frechet_distance_of_the_features(
    metric: type, features: type, shape: tuple[int, ...]
) -> None:
    real, made = pictures(300, *shape), pictures(200, *shape, seed=1) ** 2
    a, b = (features()(x).detach().double().numpy() for x in (real, made))
    cov = [np.cov(x, rowvar=False) for x in (a, b)]
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        cov[0] + cov[1] - 2 * sqrtm(cov[0] @ cov[1]).real
    )
    counter = metric()
    counter.update(made, real)
    assert float(counter.compute()) == pytest.approx(expected, rel=1e-2)
    same = metric()
    same.update(real, real)
    assert float(same.compute()) < 1e-3 < float(counter.compute())


def test_random_features_are_the_same_for_everybody_and_disturb_nobody() -> None:
    before = torch.random.get_rng_state()
    x = pictures(3, 1, 8, 8)
    assert torch.equal(RandomFeatures()(x), RandomFeatures()(x))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("side", [4, 8, 17])
def test_similarity_is_one_for_the_same_picture_and_has_a_gradient(side: int) -> None:
    x = pictures(2, 1, side, side).requires_grad_()
    assert similarity(x, x.detach()).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert bool((similarity(x, 1 - x.detach()) < 0).all())
    similarity(x, pictures(2, 1, side, side, seed=3)).sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0


def test_the_nearest_picture_counts() -> None:
    real = pictures(20, 1, 8, 8)
    copies, others = NearestSSIM(), NearestSSIM()
    copies.update(real[5:9], real)
    others.update(pictures(4, 1, 8, 8, seed=2), real)
    assert float(copies.compute()) == pytest.approx(1, abs=1e-5)
    assert float(others.compute()) < 0.7


def test_a_text_ends_where_it_ends() -> None:
    assert spelled(torch.tensor([START, 7, 5, END, 9])) == "7 5"
    assert spelled(torch.tensor([7, 5, PADDING, 9])) == "7 5"


@pytest.mark.parametrize(
    ("said", "references", "one", "two"),
    [
        ([5, 6, 7, END], [[5, 6, 7, END]], 1.0, 1.0),
        ([5, 5, 5, END], [[5, 6, 7, END]], 1 / 3, 0.0),
        ([5, 6, 9, END], [[5, 6, 7, END], [8, 9, 7, END]], 1.0, (1.0 * 1 / 2) ** 0.5),
        ([5, END, 0, 0], [[5, 6, 7, END]], float(np.exp(1 - 3)), 0.0),
    ],
)
def test_bleu_counts_clipped_words_and_punishes_shortness(
    said: list[int], references: list[list[int]], one: float, two: float
) -> None:
    for metric, expected in ((Bleu1, one), (Bleu2, two)):
        counter = metric()
        counter.update(torch.tensor([said]), torch.tensor([references]))
        assert float(counter.compute()) == pytest.approx(expected, abs=1e-6)
        if len(said) == 4 and expected < 1:
            four = Bleu4()
            four.update(torch.tensor([said]), torch.tensor([references]))
            assert float(four.compute()) == 0
