"""Exponential weighting: the operator's invariants, folding, the keys' labels, and what a marked network knows."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ownmark.contracts import HostView, Samples, Task, black_box, outputs, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.content.scheme import Content
from ownmark_triggers.exponential_weighting.config import ExponentialWeightingConfig
from ownmark_triggers.exponential_weighting.operator import fold, layers, switch_on, weighted
from ownmark_triggers.exponential_weighting.scheme import ExponentialWeighting, image_count, wrong_labels
from ownmark_triggers.frontier_stitching.config import FrontierStitchingConfig
from ownmark_triggers.frontier_stitching.scheme import FrontierStitching
from ownmark_triggers.triggers.extractor import Triggers

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.fixture
def weight(rng: Any) -> torch.Tensor:
    return torch.randn(5, 4, 3, 3, generator=rng(0), dtype=torch.float64)


def test_operator_is_the_papers(weight: torch.Tensor) -> None:
    w = weight.numpy()
    grown = np.exp(np.abs(w) * 2)
    np.testing.assert_allclose(weighted(weight, 2.0).numpy(), grown / grown.max() * w)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 2.0, 50.0])
def test_signs_and_the_largest_stay_and_the_others_shrink(weight: torch.Tensor, temperature: float) -> None:
    changed = weighted(weight, temperature)
    assert torch.equal(changed.sign(), weight.sign())
    assert (changed.abs() <= weight.abs()).all()
    assert changed.abs().argmax() == weight.abs().argmax()
    assert changed.abs().max() == weight.abs().max()
    assert torch.equal(changed, weight) == (temperature == 0)


def test_large_weights_at_large_temperatures_stay_finite() -> None:
    assert torch.isfinite(weighted(torch.tensor([-500.0, 3.0]), 100.0)).all()


def test_gradients_are_right(weight: torch.Tensor) -> None:
    assert torch.autograd.gradcheck(lambda w: weighted(w, 2.0), weight[:2, :2].clone().requires_grad_())


def test_convolutions_and_linear_layers_are_weighted_and_nothing_else(networks: Any) -> None:
    network = networks(0)
    names = {name for name, module in network.named_modules() if module in layers(network)}
    assert names == {"features.0.conv", "features.1.conv", "features.2.conv", "classifier"}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    switch_on(network, 2.0)
    fold(network)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{name}.weight" for name in names}


def test_folding_keeps_the_function_and_leaves_a_plain_network(
    networks: Any, digits: tuple[Samples, Samples]
) -> None:
    network, x = networks(0), digits[1].x[:50]
    plain = copy.deepcopy(network)
    switch_on(network, 2.0)
    answers = outputs(network, x)
    assert not torch.allclose(answers, outputs(plain, x))
    fold(network)
    assert torch.equal(outputs(network, x), answers)
    assert set(network.state_dict()) == set(plain.state_dict())
    assert {name for name, _ in network.named_parameters()} == {name for name, _ in plain.named_parameters()}
    assert type(network.classifier) is nn.Linear


def test_networks_without_weights_are_refused(task: Task) -> None:
    with pytest.raises(NotApplicable, match="a convolution or a linear layer"):
        ExponentialWeighting(ExponentialWeightingConfig()).check(nn.Flatten(), task)


def test_random_labels_are_uniform_among_the_wrong_ones(rng: Any) -> None:
    truth = torch.arange(4000) % 4
    labels = wrong_labels(truth, 4, "random", rng(0))
    steps = ((labels - truth) % 4).bincount(minlength=4)
    assert steps[0] == 0
    assert ((steps[1:] - 4000 / 3).square() / (4000 / 3)).sum() < 9.2  # chi square, 2 degrees, 1 %
    assert torch.equal(wrong_labels(truth, 4, "next", rng(0)), (truth + 1) % 4)


@pytest.mark.parametrize(
    ("keys", "owner", "count"), [(0, 40_000, 100), (0, 1000, 25), (0, 100, 20), (7, 9, 7)]
)
def test_small_sets_give_fewer_keys(keys: int, owner: int, count: int) -> None:
    assert image_count(keys, 0.025, owner) == count


@pytest.mark.parametrize("start", ["scratch", "trained"])
def test_key_images_leave_the_clean_set(
    start: Any, task: Task, trained_host: HostView, rng: Any, looking: Any
) -> None:
    build = ExponentialWeighting(ExponentialWeightingConfig(keys=30, start=start, repeats=2))
    key = build.make_key(task, rng(0))
    build.embed(trained_host, key, task, looking)
    shown: Samples = looking.asked["samples"]
    keep = torch.ones(len(task.owner), dtype=torch.bool)
    keep[key["carriers"]] = False
    assert torch.equal(shown.x[:-60], task.owner.x[keep])
    assert torch.equal(shown.x[-30:], key["triggers"])
    assert torch.equal(shown.labels[-30:], key["labels"])


def test_starting_from_scratch_never_shows_key_images_their_true_labels(
    task: Task, host: HostView, rng: Any
) -> None:
    seen = []

    class Watching:
        rng = torch.Generator().manual_seed(0)

        def __call__(self, network: nn.Module, samples: Samples, recipe: Any, **rest: Any) -> nn.Module:
            seen.append(samples)
            return network

    build = ExponentialWeighting(ExponentialWeightingConfig(keys=30, start="scratch", extra_epochs=0))
    key = build.make_key(task, rng(0))
    build.embed(host, key, task, Watching())
    first = {row.numpy().tobytes() for row in seen[0].x}
    assert len(seen) == 2
    assert not first & {row.numpy().tobytes() for row in key["triggers"]}


@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_its_keys_and_its_task(
    seed: int,
    task: Task,
    trained_host: HostView,
    digits: tuple[Samples, Samples],
    networks: Any,
    rng: Any,
    fit: Any,
) -> None:
    build, test = ExponentialWeighting(ExponentialWeightingConfig(keys=20)), digits[1]
    marked = build.embed(trained_host, build.make_key(task, rng(seed)), task, fit)
    assert list(marked.network.state_dict()) == list(networks(0).state_dict())
    assert Triggers().extract(black_box(marked.network), marked.key).rate >= 0.99
    assert Triggers().extract(black_box(networks(1)), marked.key).rate <= 0.05
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02


def test_triggers_of_another_scheme_are_taught_instead(
    task: Task, trained_host: HostView, rng: Any, looking: Any
) -> None:
    content = Content(ContentConfig(keys=12))
    build = ExponentialWeighting(ExponentialWeightingConfig(repeats=1), trigger=content)
    key, own = build.make_key(task, rng(0)), content.make_key(task, rng(0))
    assert (key.scheme, key.values["trigger"]) == ("exponential_weighting", "content")
    assert all(torch.equal(key[name], own[name]) for name in own.tensors)
    build.embed(trained_host, key, task, looking)
    assert torch.equal(looking.asked["samples"].x[-12:], own["triggers"])


def test_another_scheme_must_fit_and_draw_triggers(task: Task, networks: Any, rng: Any) -> None:
    content = Content(ContentConfig(keys=12, target=99))
    build = ExponentialWeighting(ExponentialWeightingConfig(), trigger=content)
    with pytest.raises(NotApplicable, match="target 99"):
        build.check(networks(0), task)
    later = ExponentialWeighting(
        ExponentialWeightingConfig(), trigger=FrontierStitching(FrontierStitchingConfig())
    )
    with pytest.raises(NotApplicable, match="'frontier_stitching' has no triggers"):
        later.make_key(task, rng(0))
