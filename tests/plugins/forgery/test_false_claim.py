"""False claims: free keys claim an innocent network, keys that nobody chose do not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ownmark_forgery.false_claim.attack import fitted


def innocents(count: int) -> list[nn.Module]:
    """Networks that agree on what is bright on which side, each with noise of its own."""
    rng = torch.Generator().manual_seed(0)
    shared, found = torch.randn(4, 64, generator=rng), []
    for _ in range(count):
        layer = nn.Linear(64, 4)
        with torch.no_grad():
            layer.weight.copy_(shared + 0.5 * torch.randn(4, 64, generator=rng))
            layer.bias.zero_()
        found.append(nn.Sequential(nn.Flatten(), layer).eval())
    return found


def matches(network: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> int:
    with torch.no_grad():
        return int((network(x).argmax(1) == labels).sum())


@pytest.mark.parametrize("hosts", [1, 3])
def test_triggers_fitted_to_own_networks_are_answered_by_independent_ones(hosts: int) -> None:
    networks = innocents(hosts + 5)
    rng = torch.Generator().manual_seed(1)
    x, labels = torch.rand(40, 1, 8, 8, generator=rng), torch.randint(4, (40,), generator=rng)
    moved = fitted(x, labels, networks[:hosts], 60, 0.05)
    assert float(moved.min()) >= 0
    assert float(moved.max()) <= 1
    free = [matches(network, moved, labels) for network in networks[hosts:]]
    drawn = [matches(network, x, labels) for network in networks[hosts:]]
    assert min(free) > 30 > 20 > max(drawn)


def test_nothing_to_fit_to_leaves_the_triggers_alone() -> None:
    x, labels = torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.int64)
    assert fitted(x, labels, [], 10, 0.1) is x
    assert fitted(x, labels, innocents(1), 0, 0.1) is x


def test_the_networks_are_left_alone() -> None:
    (network,) = innocents(1)
    before = [parameter.clone() for parameter in network.parameters()]
    fitted(torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.int64), [network], 5, 0.1)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in network.parameters())
