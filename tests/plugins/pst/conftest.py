"""Images of every kind, a stolen network, and a `Fit` that only looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Recipe, Samples, Stolen, seeded
from ownmark.loops import Fitter

Shape = tuple[int, int, int]
SHAPES: list[Shape] = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 32, 32), (1, 9, 14)]


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
def natural() -> Callable[..., Tensor]:
    """Images with structure at several scales, as photographs have it: [count, *shape] in [0, 1]."""

    def make(shape: Shape, count: int = 6) -> Tensor:
        rng, (channels, height, width) = generator(5), shape
        layers = [
            F.interpolate(
                torch.rand((count, channels, side, side), generator=rng), (height, width), mode="bilinear"
            )
            for side in (2, 4, 7)
        ]
        return (sum(layers, torch.zeros(())) / 3).clamp(0, 1)

    return make


@pytest.fixture(params=SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def images(request: pytest.FixtureRequest, natural: Callable[..., Tensor]) -> Tensor:
    """Grey and RGB, from 8 x 8 to 32 x 32, one not square and not a multiple of 8."""
    return natural(request.param)


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
