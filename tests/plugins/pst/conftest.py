"""Images of every kind, and a stolen network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Samples, Stolen, seeded

Shape = tuple[int, int, int]
SHAPES: list[Shape] = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 32, 32), (1, 9, 14)]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
