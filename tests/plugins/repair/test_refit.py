"""REFIT: Fisher information against finite differences, the elastic penalty and its cap, unlabelled images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import Batch, Samples, Stolen, outputs, predictions
from ownmark.errors import NotApplicable
from ownmark_repair.refit.attack import Refit
from ownmark_repair.refit.config import RefitConfig
from ownmark_repair.refit.fisher import elastic, fisher


def test_fisher_is_the_mean_square_of_score_functions(rng: Any) -> None:
    network, x = nn.Linear(3, 4).double(), torch.randn(70, 3, generator=rng(0), dtype=torch.float64)
    found = fisher(network, x, rng(1))
    draw, weight, bias = rng(1), torch.zeros(4, 3), torch.zeros(4)
    for part in torch.split(x, 64):
        answers = network(part).detach().float().softmax(1)
        labels = torch.multinomial(answers, 1, generator=draw).flatten()
        score = nn.functional.one_hot(labels, 4).float() - answers  # d log p / d logits of a linear layer
        bias += score.square().sum(0)
        weight += torch.einsum("nk,nd->kd", score.square(), part.float().square())
    largest = max(weight.max(), bias.max())
    torch.testing.assert_close(found["weight"].float(), weight / largest, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["bias"].float(), bias / largest, rtol=1e-4, atol=1e-6)


def test_fisher_is_scaled_to_one_and_leaves_the_network_alone(stolen: Stolen, rng: Any) -> None:
    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    found = fisher(stolen.network, stolen.images().x[:20], rng(0))
    assert max(float(value.max()) for value in found.values()) == 1
    assert all(float(value.min()) >= 0 for value in found.values())
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())


@pytest.mark.parametrize(("weight", "rate"), [(10.0, 0.15), (10.0, 0.001), (0.5, 0.1)])
def test_elastic_penalty_is_capped_where_a_step_would_overshoot(weight: float, rate: float) -> None:
    network = nn.Linear(2, 1, bias=False)
    start = {"weight": torch.tensor([[1.0, 2.0]])}
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.5, 0.0]]))
    importance = {"weight": torch.tensor([[1.0, 0.01]])}
    term = elastic(start, importance, weight, lambda step: rate)
    batch = Batch(torch.zeros(1, 2), None, torch.zeros(1))
    capped = [min(1.0, 1 / (rate * weight)), min(0.01, 1 / (rate * weight))]
    expected = 0.5 * weight * (capped[0] * 0.25 + capped[1] * 4)
    assert term(network, batch, 0).item() == pytest.approx(expected)
    assert rate * weight * max(capped) <= 1 + 1e-9


def test_elastic_penalty_is_nothing_at_the_start(stolen: Stolen, rng: Any) -> None:
    importance = fisher(stolen.network, stolen.images().x[:8], rng(0))
    start = {name: value.detach().clone() for name, value in stolen.network.named_parameters()}
    term = elastic(start, importance, 10.0, lambda step: 0.1)
    assert term(stolen.network, Batch(stolen.images().x, None, torch.arange(64)), 0).item() == 0


def test_unlabelled_images_join_each_step_with_the_stolen_networks_labels(
    stolen: Stolen, looking: Any, rng: Any
) -> None:
    foreign = Samples(torch.rand(30, 1, 8, 8, generator=rng(5)))
    Refit(RefitConfig(unlabelled=7)).attack(replace(stolen, transfer=foreign), looking, rng(0))
    (append,) = looking.asked["transforms"]
    batch = Batch(stolen.images().x[:5], stolen.images().labels[:5], torch.arange(5))
    joined = append(batch, rng(1))
    assert len(joined.x) == 12
    assert torch.equal(joined.labels[5:], predictions(stolen.network, joined.x[5:]))
    assert len({row.numpy().tobytes() for row in joined.x[5:]}) == 7


def test_unlabelled_images_must_be_granted(stolen: Stolen, looking: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="granted none"):
        Refit(RefitConfig(unlabelled=7)).attack(stolen, looking, rng(0))


@pytest.mark.parametrize(
    ("preset", "ewc", "unlabelled", "lr"),
    [("base", 0, 0, 0.05), ("ewc", 10, 0, 0.15), ("au", 0, 50, 0.1), ("ewc_au", 10, 50, 0.1)],
)
def test_refit_presets_are_the_authors(preset: Any, ewc: float, unlabelled: int, lr: float) -> None:
    config = RefitConfig(preset=preset)
    assert (config.ewc, config.unlabelled, config.recipe.lr, config.recipe.epochs) == (
        ewc,
        unlabelled,
        lr,
        60,
    )


def test_strong_elastic_weights_keep_the_network_where_it_was(stolen: Stolen, fit: Any, rng: Any) -> None:
    moved = []
    for ewc in (0.0, 1e4):
        settings = RefitConfig(ewc=ewc, fisher_samples=64, recipe={"epochs": 3, "lr": 0.05})  # type: ignore[arg-type]
        suspect = Refit(settings).attack(stolen, fit, rng(0)).network
        moved.append(
            float((outputs(suspect, stolen.images().x) - outputs(stolen.network, stolen.images().x)).norm())
        )
    assert moved[1] < moved[0]
