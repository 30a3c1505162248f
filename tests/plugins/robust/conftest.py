"""A small host, and a trigger scheme of two kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Key, Marked, Scheme, Task, seeded


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


@pytest.fixture
def corner() -> Scheme:
    return Corner()


@pytest.fixture
def bits() -> Scheme:
    return Bits()


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
