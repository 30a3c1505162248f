"""Handwritten digits and a small host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Samples, Task, seeded
from ownmark.loops import Fitter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def rng() -> Callable[[int], torch.Generator]:
    return generator


@pytest.fixture
def fits() -> Callable[[], Fitter]:
    """Makes `Fit`s that draw the same."""
    return lambda: Fitter(torch.device("cpu"), generator(7))


@pytest.fixture
def fit(fits: Callable[[], Fitter]) -> Fitter:
    return fits()


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
def host() -> HostView:
    convnet = ConvNet(ConvNetConfig())

    def blank(rng: torch.Generator) -> nn.Module:
        with seeded(rng):
            return convnet.build((1, 8, 8), 10)

    return HostView(lambda: blank(generator(3)), blank, convnet.recipe, convnet.terms())
