"""Handwritten digits, a small host, and a `Fit` that only looks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Recipe, Samples, Task, seeded
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


@pytest.fixture(scope="session")
def digits() -> tuple[Samples, Samples]:
    """Owner and test images, [N, 1, 8, 8]."""
    data = load_digits()
    x, y = torch.tensor(data.images / 16, dtype=torch.float32)[:, None], torch.tensor(data.target)
    order = torch.randperm(len(x), generator=generator(0))
    return Samples(x[order[:1000]], y[order[:1000]]), Samples(x[order[1000:]], y[order[1000:]])


@pytest.fixture
def task(digits: tuple[Samples, Samples]) -> Task:
    return Task("digits/convnet", (1, 8, 8), 10, digits[0])


@pytest.fixture
def random_task(rng: Callable[[int], torch.Generator]) -> Callable[..., Task]:
    """Ten classes of random pixels in any shape."""

    def make(shape: tuple[int, int, int], count: int = 200) -> Task:
        x = torch.rand((count, *shape), generator=rng(1))
        return Task("random", shape, 10, Samples(x, torch.arange(count) % 10))

    return make


@pytest.fixture
def host() -> HostView:
    convnet = ConvNet(ConvNetConfig())

    def blank(rng: torch.Generator) -> nn.Module:
        with seeded(rng):
            return convnet.build((1, 8, 8), 10)

    return HostView(lambda: blank(generator(3)), blank, convnet.recipe, convnet.terms())


@pytest.fixture(scope="session")
def networks(digits: tuple[Samples, Samples]) -> Callable[[int], nn.Module]:
    """Independently trained unmarked networks, by number; copies."""
    convnet, made = ConvNet(ConvNetConfig()), dict[int, nn.Module]()

    def network(number: int) -> nn.Module:
        if number not in made:
            rng = generator(1000 + number)
            with seeded(rng):
                blank = convnet.build((1, 8, 8), 10)
            made[number] = Fitter(torch.device("cpu"), rng)(blank, digits[0], convnet.recipe)
        return copy.deepcopy(made[number])

    return network


@pytest.fixture
def trained_host(host: HostView, networks: Callable[[int], nn.Module]) -> HostView:
    """A host whose `trained()` is trained."""
    return replace(host, trained=lambda: networks(0))
