"""Frontier stitching: the perturbation, both halves on their side of the boundary, stitching, and the paper's test."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import BlackBox, HostView, Key, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.frontier_stitching.adversaries import frontier, gradient_sign, perturbed, usual_eps
from ownmark_triggers.frontier_stitching.config import FrontierStitchingConfig
from ownmark_triggers.frontier_stitching.extractor import FrontierStitchingExtractor
from ownmark_triggers.frontier_stitching.scheme import FrontierStitching

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
EXTRACT = FrontierStitchingExtractor().extract


def test_step_of_a_linear_network_is_known(rng: Any) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3, bias=False))
    x, y = torch.rand(6, 3, 2, 2, generator=rng(0)), torch.tensor([0, 1, 2, 0, 1, 2])
    weight = network[1].weight.detach()
    error = network(x).detach().softmax(1) - F.one_hot(y, 3)
    expected = (x + 0.1 * (error @ weight).reshape(x.shape).sign()).clamp(0, 1)
    assert torch.allclose(perturbed(network, x, y, 0.1), expected)


def test_step_leaves_modes_buffers_and_gradients_alone(
    networks: Any, digits: tuple[Samples, Samples]
) -> None:
    network = networks(0).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    gradient_sign(network, digits[1].x[:9], digits[1].labels[:9])
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_step_of_one_image_does_not_depend_on_the_others(
    networks: Any, digits: tuple[Samples, Samples]
) -> None:
    network, test = networks(0), digits[1]
    together = gradient_sign(network, test.x[:32], test.labels[:32])
    alone = gradient_sign(network, test.x[5:6], test.labels[5:6])
    assert (together[5:6] == alone).float().mean() > 0.95


@pytest.fixture
def stitched(task: Task, trained_host: HostView, rng: Any, looking: Any) -> Key:
    build = FrontierStitching(FrontierStitchingConfig(keys=60))
    marked = build.embed(trained_host, build.make_key(task, rng(0)), task, looking)
    return marked.key


def test_halves_are_exact_and_on_their_side_of_the_boundary(stitched: Key, networks: Any) -> None:
    right = predictions(networks(0), stitched["triggers"]) == stitched["labels"]
    assert right.tolist() == [False] * 30 + [True] * 30
    assert stitched.values == {"eps": 0.15, "true": 30}
    assert set(stitched.tensors) == {"triggers", "labels", "sources"}


def test_labels_are_true_and_pixels_within_eps(stitched: Key, task: Task, networks: Any) -> None:
    clean = task.owner.select(stitched["sources"])
    assert torch.equal(stitched["labels"], clean.labels)
    assert (stitched["triggers"] - clean.x).abs().max() <= 0.15 + 1e-6
    assert 0 <= stitched["triggers"].min() <= stitched["triggers"].max() <= 1
    assert (predictions(networks(0), clean.x) == clean.labels).all()
    assert len(stitched["sources"].unique()) == 60


@pytest.mark.parametrize(("eps", "advice"), [(1e-6, "raise `eps`"), (0.99, "lower `eps`")])
def test_too_few_adversaries_are_refused_with_advice(
    eps: float, advice: str, task: Task, networks: Any
) -> None:
    with pytest.raises(NotApplicable, match=advice):
        frontier(networks(0), task.owner, torch.arange(300), eps, 100)


@pytest.mark.parametrize(("side", "eps"), [(8, 0.15), (28, 0.25), (32, 0.03), (64, 0.03)])
def test_eps_follows_the_image_size(side: int, eps: float) -> None:
    assert usual_eps(side, side) == eps


def test_odd_numbers_of_keys_cannot_be_halved() -> None:
    with pytest.raises(ValidationError, match="multiple of 2"):
        FrontierStitchingConfig(keys=5)


@pytest.mark.parametrize("only_keys", [True, False])
def test_keys_are_shown_alone_or_with_all_clean_data(
    only_keys: bool, task: Task, trained_host: HostView, rng: Any, looking: Any
) -> None:
    build = FrontierStitching(FrontierStitchingConfig(keys=60, only_keys=only_keys, extra_epochs=0))
    marked = build.embed(trained_host, build.make_key(task, rng(0)), task, looking)
    shown: Samples = looking.asked["samples"]
    assert len(shown) == (60 if only_keys else len(task.owner) + 600)
    assert torch.equal(shown.x[-60:], marked.key["triggers"])


@pytest.mark.parametrize(("wrong", "claim"), [(41, "yes"), (42, "no")])
def test_paper_claims_below_42_mismatches_of_100(wrong: int, claim: str) -> None:
    labels = torch.zeros(100, dtype=torch.int64)
    key = Key("frontier_stitching", {"triggers": torch.rand(100, 1, 2, 2), "labels": labels}, {"true": 50})
    found = EXTRACT(BlackBox(lambda x: (torch.arange(100) < wrong).long()), key)
    assert found.extras["fair_coin_claim"] == claim
    assert found.extras["fair_coin_tolerance"] == 42
    assert found.extras["mismatches"] == wrong
    assert found.extras["true_adversaries"] == pytest.approx(1 - wrong / 50)
    assert found.extras["false_adversaries"] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_stitched_network_knows_its_keys_and_its_task(
    seed: int,
    task: Task,
    trained_host: HostView,
    digits: tuple[Samples, Samples],
    networks: Any,
    rng: Any,
    fit: Any,
) -> None:
    build, test = FrontierStitching(FrontierStitchingConfig()), digits[1]
    marked = build.embed(trained_host, build.make_key(task, rng(seed)), task, fit)
    found, null = EXTRACT(black_box(marked.network), marked.key), EXTRACT(black_box(networks(1)), marked.key)
    assert found.rate >= 0.99
    assert found.extras["fair_coin_claim"] == "yes"
    assert null.extras["true_adversaries"] < 0.8 < null.extras["false_adversaries"]
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02
