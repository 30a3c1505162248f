"""Handwritten digits and a small host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, seeded
from ownmark.loops import Fitter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def fits() -> Callable[[], Fitter]:
    """Makes `Fit`s that draw the same."""
    return lambda: Fitter(torch.device("cpu"), generator(7))


@pytest.fixture
def fit(fits: Callable[[], Fitter]) -> Fitter:
    return fits()


@pytest.fixture
def host() -> HostView:
    convnet = ConvNet(ConvNetConfig())

    def blank(rng: torch.Generator) -> nn.Module:
        with seeded(rng):
            return convnet.build((1, 8, 8), 10)

    return HostView(lambda: blank(generator(3)), blank, convnet.recipe, convnet.terms())
