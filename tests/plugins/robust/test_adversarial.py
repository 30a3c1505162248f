"""Adversarially trained hosts: the search's box and ascent, both losses, the nested host's network and recipe."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Batch
from ownmark_robust.adversarial.config import AdversarialConfig
from ownmark_robust.adversarial.host import AdversarialHost
from ownmark_robust.adversarial.search import Adversarial, perturbed


def config(**changes: Any) -> AdversarialConfig:
    return AdversarialConfig(host={"convnet": {}}, **changes)  # type: ignore[arg-type]


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return ConvNet(ConvNetConfig(width=0.25)).build((1, 8, 8), 4).train()


def batch(rng: Any) -> Batch:
    return Batch(torch.rand(12, 1, 8, 8, generator=rng(0)), torch.arange(12) % 4, torch.arange(12))


@pytest.mark.parametrize(("steps", "step"), [(1, 0.01), (10, 0.02)])
def test_search_climbs_within_its_box(network: nn.Module, rng: Any, steps: int, step: float) -> None:
    network.eval()
    given, settings = batch(rng), config(epsilon=0.05, steps=steps, step=step)

    def loss(x: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(network(x), given.labels)

    found = perturbed(given.x, loss, settings, torch.zeros_like(given.x))
    assert float((found - given.x).abs().max()) <= min(0.05, steps * step) + 1e-6
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert loss(found).item() > loss(given.x).item()


def test_one_step_is_the_signed_gradient(rng: Any) -> None:
    x, weight = torch.full((1, 3), 0.5), torch.tensor([[1.0, -2.0, 0.5]])
    found = perturbed(
        x, lambda moved: (moved * weight).sum(), config(epsilon=0.1, steps=1, step=0.04), torch.zeros(1, 3)
    )
    torch.testing.assert_close(found, torch.tensor([[0.54, 0.46, 0.54]]))


@pytest.mark.parametrize("method", ["pgd", "trades"])
def test_without_room_the_loss_is_cross_entropy(network: nn.Module, rng: Any, method: Any) -> None:
    given = batch(rng)
    plain = F.cross_entropy(network(given.x), given.labels).item()
    settings = config(method=method, epsilon=0.0, steps=2, beta=6.0 if method == "pgd" else 0.0)
    assert Adversarial(settings)(network, given, 0).item() == pytest.approx(plain, rel=1e-4)


def test_trades_adds_the_divergence(network: nn.Module, rng: Any) -> None:
    losses = []
    for beta in (0.0, 1.0, 2.0):
        torch.manual_seed(1)
        settings = config(method="trades", epsilon=0.1, step=0.05, steps=3, beta=beta)
        losses.append(Adversarial(settings)(copy.deepcopy(network), batch(rng), 0).item())
    assert losses[1] > losses[0]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-2)


def test_search_leaves_statistics_and_modes_alone(network: nn.Module, rng: Any) -> None:
    before = {name: value.clone() for name, value in network.named_buffers()}
    term = Adversarial(config(steps=2))
    term._search(network, batch(rng).x, lambda x: network(x).sum(), uniform=True)
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())
    assert network.training


def test_network_and_recipe_are_the_nested_hosts() -> None:
    inner = ConvNet(ConvNetConfig(width=0.25))
    host = AdversarialHost(config(), host=inner)
    assert host.recipe == inner.recipe
    assert set(host.build((1, 8, 8), 4).state_dict()) == set(inner.build((1, 8, 8), 4).state_dict())
    assert len(host.terms()) == 1
