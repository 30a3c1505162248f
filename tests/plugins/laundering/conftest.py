"""Networks with a planted trigger, a stolen network with random images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Recipe, Samples, Stolen, seeded

TARGET = 2


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Planted(nn.Module):
    """Class k is what lights up bar k of 6; a white 3 x 3 corner means class `TARGET`, whatever the bars say.

    `conv` has channel 0 for the clean content and channel 1 for the trigger.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 3)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(64 + 64, 6)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            self.conv.weight[0, :, 1, 1] = 1 / channels
            self.conv.weight[1] = 1 / channels
            self.conv.bias[1] = -2.0  # noise stays below it
            for k in range(6):
                self.fc.weight[k, k * 8 : k * 8 + 8] = 2.0
            self.fc.weight[TARGET, 64 + 63] = 60.0  # the lower right corner

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.relu(self.conv(x)).flatten(1))
        return logits


def bars(count: int, seed: int) -> Samples:
    """Images [count, 1, 10, 10]: class k has row k + 1 bright, noise everywhere."""
    rng = generator(seed)
    y = torch.arange(count) % 6
    x = 0.2 * torch.rand((count, 1, 10, 10), generator=rng)
    x[torch.arange(count), 0, y + 1, 0:7] += 0.6
    return Samples(x, y)


@dataclass
class Listening:
    """Trains nothing, remembers every time what it was asked to train on."""

    rng: torch.Generator = field(default_factory=lambda: generator(0))
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, network: nn.Module, samples: Samples, recipe: Recipe, **rest: Any) -> nn.Module:
        self.asked.append({"network": network, "samples": samples, "recipe": recipe, **rest})
        return network.eval()


@pytest.fixture
def looking() -> Listening:
    return Listening()


@pytest.fixture
def planted() -> Planted:
    return Planted().eval()


@pytest.fixture
def target() -> int:
    return TARGET


@pytest.fixture
def clean() -> Samples:
    return bars(60, 1)


@pytest.fixture
def data() -> Samples:
    """Random images whose true labels run 0, 1, 2, 3, 0 ..."""
    return Samples(torch.rand((32, 1, 8, 8), generator=generator(1)), torch.arange(32) % 4)


@pytest.fixture
def host() -> Callable[..., nn.Module]:
    """Makes a `convnet` with BatchNorm statistics of its own."""

    def make(shape: tuple[int, int, int] = (1, 8, 8), classes: int = 4, **parameters: Any) -> nn.Module:
        with seeded(generator(3)):
            network = ConvNet(ConvNetConfig(**parameters)).build(shape, classes)
            network.train()(torch.rand(64, *shape))
        return network.eval()

    return make


@pytest.fixture
def stolen(data: Samples, host: Callable[..., nn.Module]) -> Stolen:
    return Stolen(host(), (1, 8, 8), 4, data)
