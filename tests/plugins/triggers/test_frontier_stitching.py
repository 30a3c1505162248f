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
from ownmark.stats import rank_among
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
    assert stitched.values == {"eps": 0.15, "true": 30, "spare_true": 30}
    assert set(stitched.tensors) == {"triggers", "labels", "sources", "spare", "spare_labels"}
    crossed = predictions(networks(0), stitched["spare"]) != stitched["spare_labels"]
    assert crossed.tolist() == [True] * 30 + [False] * 30


@pytest.mark.parametrize("half", [5, 40])
def test_spare_adversaries_change_nothing_of_the_keys(half: int, task: Task, networks: Any, rng: Any) -> None:
    order = torch.randperm(len(task.owner), generator=rng(3))
    alone, with_spare = (
        frontier(networks(0), task.owner, order, 0.15, half, most) for most in (None, 2 * half)
    )
    for one, other in zip(alone, with_spare, strict=True):
        assert len(one) == half
        assert torch.equal(one.places, other.part(0, half).places)
        assert torch.equal(one.samples.x, other.part(0, half).samples.x)
        assert len(other.places.unique()) == len(other) == 2 * half


def chosen(rng: Any, index: int, known: torch.Tensor, true: int = 20, n: int = 40) -> tuple[Key, BlackBox]:
    """A key whose stitches chance chose among 2n images, and a suspect that knows those of them that are `known`."""
    x = torch.arange(2 * n, dtype=torch.float32).reshape(-1, 1, 1, 1)
    side = [torch.randperm(2 * true, generator=rng(index)),
            2 * true + torch.randperm(2 * (n - true), generator=rng(1000 + index))]  # fmt: skip
    own, spare = (
        torch.cat([side[0][:true], side[1][: n - true]]),
        torch.cat([side[0][true:], side[1][n - true :]]),
    )
    labels = torch.zeros(n, dtype=torch.int64)
    tensors = {"triggers": x[own], "labels": labels, "spare": x[spare], "spare_labels": labels}
    key = Key("frontier_stitching", tensors, {"true": true, "spare_true": true})
    return key, BlackBox(lambda asked: (~known[asked.flatten().long()]).long())


def p_of(key: Key, suspect: BlackBox, rng: Any, count: int) -> float:
    made = FrontierStitching(FrontierStitchingConfig())
    decoys = [made.decoy(key, rng(50_000 + i)) for i in range(count)]
    own, *others = FrontierStitchingExtractor().extract_many(suspect, [key, *decoys])
    return rank_among(own.rate, [one.rate for one in others]).p_value


@pytest.mark.parametrize(("on_true", "on_false"), [(0.5, 0.9), (0.9, 1.0), (0.1, 0.1), (1.0, 1.0)])
def test_chance_claims_no_network_however_robust_it_is(on_true: float, on_false: float, rng: Any) -> None:
    known = torch.rand(80, generator=rng(7)) < torch.tensor([on_true] * 40 + [on_false] * 40)
    found = [p_of(*chosen(rng, index, known), rng, 19) for index in range(150)]
    assert sum(p <= 0.05 for p in found) <= 15  # twice the rate: improbable by chance, 1 %


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_a_network_that_was_taught_the_key_alone_knows_it_better_than_any_choice(
    spread: float, rng: Any
) -> None:
    key, _ = chosen(rng, 0, torch.ones(80, dtype=torch.bool))
    known = torch.rand(80, generator=rng(8)) < spread
    known[key["triggers"].flatten().long()] = True
    assert p_of(key, chosen(rng, 0, known)[1], rng, 99) == 0.01


def test_decoys_are_of_the_keys_make_and_keys_of_earlier_versions_have_none(rng: Any) -> None:
    key, _ = chosen(rng, 0, torch.ones(80, dtype=torch.bool), true=15)
    made = FrontierStitching(FrontierStitchingConfig())
    one, other = (made.decoy(key, rng(i)) for i in (1, 2))
    assert one is not None
    assert other is not None
    assert one.digest() == made.decoy(key, rng(1)).digest() != other.digest()  # type: ignore[union-attr]
    places = one["triggers"].flatten().long()
    assert len(places.unique()) == 40
    assert int((places < 30).sum()) == 15  # as many true ones
    former = Key(key.scheme, {name: key[name] for name in ("triggers", "labels")}, {"true": 15})
    assert made.decoy(former, rng(1)) is None


def test_without_as_many_true_adversaries_again_there_are_no_spare_ones(
    task: Task, trained_host: HostView, networks: Any, rng: Any, looking: Any
) -> None:
    order = torch.arange(len(task.owner))
    true = len(frontier(networks(0), task.owner, order, 0.15, 1, len(task.owner))[0])
    build = FrontierStitching(FrontierStitchingConfig(keys=2 * (true // 2 + 1)))
    marked = build.embed(trained_host, build.make_key(task, rng(0)), task, looking)
    assert set(marked.key.tensors) == {"triggers", "labels", "sources"}
    assert build.decoy(marked.key, rng(0)) is None


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
