"""A stolen network with random images, and a `Fit` that only looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Recipe, Samples, Stolen, seeded
from ownmark.loops import Fitter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass
class Looking:
    """Trains nothing, remembers what it was asked to train on."""

    rng: torch.Generator = field(default_factory=lambda: generator(0))
    asked: dict[str, Any] = field(default_factory=dict)

    def __call__(self, network: nn.Module, samples: Samples, recipe: Recipe, **rest: Any) -> nn.Module:
        self.asked = {"network": network, "samples": samples, "recipe": recipe, **rest}
        return network.eval()


@pytest.fixture
def rng() -> Callable[[int], torch.Generator]:
    return generator


@pytest.fixture
def looking() -> Looking:
    return Looking()


@pytest.fixture
def fit() -> Fitter:
    return Fitter(torch.device("cpu"), generator(7))


@pytest.fixture
def data() -> Samples:
    """Random images whose true labels run 0, 1, 2, 3, 0 ..."""
    return Samples(torch.rand((64, 1, 8, 8), generator=generator(1)), torch.arange(64) % 4)


@pytest.fixture
def stolen(data: Samples) -> Stolen:
    with seeded(generator(3)):
        network = ConvNet(ConvNetConfig()).build((1, 8, 8), 4)
        network.train()(torch.rand(64, 1, 8, 8))  # gives BatchNorm statistics of its own
    return Stolen(network.eval(), (1, 8, 8), 4, data)
