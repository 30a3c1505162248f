"""A small trained network on digits, the same for every test, and networks of other kinds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.datasets.config import DigitsConfig
from ownmark.builtin.datasets.digits import Digits
from ownmark.builtin.hosts.config import ConvNetConfig, LeNet5Config
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.builtin.hosts.lenet5 import LeNet5
from ownmark.contracts import Images, Recipe, Samples, Stolen, seeded
from ownmark.loops import Fitter

TRAINING = Recipe(epochs=6, batch_size=64, lr=0.05, schedule="one-cycle")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitter(seed: int = 7) -> Fitter:
    return Fitter(torch.device("cpu"), generator(seed))


@pytest.fixture
def fit() -> Fitter:
    return fitter()


@pytest.fixture(scope="session")
def digits() -> Images:
    return Digits(DigitsConfig(limit_train=800, limit_test=200)).load()


def train(digits: Images, network: nn.Module, samples: Samples | None = None) -> nn.Module:
    return fitter(3)(network, samples or digits.train, TRAINING)


@pytest.fixture(scope="session")
def clean(digits: Images) -> nn.Module:
    """`convnet`, three BatchNorms."""
    with seeded(generator(1)):
        network = ConvNet(ConvNetConfig(width=0.5)).build(digits.shape, 10)
    return train(digits, network)


@pytest.fixture
def stolen(digits: Images, clean: nn.Module) -> Stolen:
    return Stolen(clean, digits.shape, 10, digits.train.select(torch.arange(64)))


def untrained(kind: str, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Hosts of other kinds, with BatchNorm statistics of their own."""
    with seeded(generator(5)):
        if kind == "lenet5":
            network = LeNet5(LeNet5Config()).build(shape, classes)
        else:
            norm: Any = {"convnet": "batch", "convnet without norm": "none"}[kind]
            network = ConvNet(ConvNetConfig(width=0.25, norm=norm)).build(shape, classes)
        network.train()(torch.rand(32, *shape))
    return network.eval()
