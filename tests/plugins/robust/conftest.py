"""Digits, a small host, a trigger scheme of two kinds, and a `Fit` that only looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Key, Marked, Recipe, Samples, Scheme, Task, seeded
from ownmark.loops import Fitter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Corner(Scheme):
    """Twelve images with a white corner, of class 0; knows nothing of the pack it is wrapped by."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        places = (task.owner.labels != 0).nonzero().flatten()
        places = places[torch.randperm(len(places), generator=rng)[:12]]
        x = task.owner.x[places].clone()
        x[:, :, :3, :3] = 1
        return Key("corner", {"triggers": x, "labels": torch.zeros_like(places), "carriers": places})

    def embed(self, host: HostView, key: Key, task: Task, fit: Any) -> Marked:
        raise AssertionError("a wrapped scheme does not embed")


class Bits(Corner):
    """A scheme whose key holds no triggers."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return Key("bits", {"message": torch.randint(2, (8,), generator=rng)})


@dataclass
class Looking:
    """Trains nothing, remembers what it was asked to train on."""

    rng: torch.Generator = field(default_factory=lambda: generator(0))
    asked: dict[str, Any] = field(default_factory=dict)

    def __call__(self, network: nn.Module, samples: Samples, recipe: Recipe, **rest: Any) -> nn.Module:
        self.asked = {"network": network, "samples": samples, "recipe": recipe, **rest}
        return network.eval()


@pytest.fixture
def corner() -> Scheme:
    return Corner()


@pytest.fixture
def bits() -> Scheme:
    return Bits()


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


def view(norm: str = "batch") -> HostView:
    convnet = ConvNet(ConvNetConfig(norm=norm))  # type: ignore[arg-type]

    def blank(rng: torch.Generator) -> nn.Module:
        with seeded(rng):
            return convnet.build((1, 8, 8), 10)

    return HostView(lambda: blank(generator(3)), blank, convnet.recipe, convnet.terms())


@pytest.fixture
def host() -> HostView:
    return view()


@pytest.fixture
def hosts() -> Callable[[str], HostView]:
    return view
