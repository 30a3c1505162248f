"""A stolen network with random images."""

from __future__ import annotations

import pytest
import torch

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Samples, Stolen, seeded


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
