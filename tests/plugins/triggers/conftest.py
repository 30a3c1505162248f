"""A small host, and tasks of random pixels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Samples, Task, seeded
from ownmark.loops import Fitter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
