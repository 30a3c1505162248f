"""A network with Uchida's mark, and a thief who holds it with some images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Attack, HostView, Key, Recipe, Samples, Stolen, Task, seeded
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.methods import Kind

SHAPE = (1, 8, 8)
RECIPE = Recipe(epochs=12, batch_size=64, lr=0.05, schedule="one-cycle")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Loot(NamedTuple):
    """What the thief holds, the owner's key, and images nobody trained on."""

    stolen: Callable[[], Stolen]
    key: Key
    test: Samples


def blank(rng: torch.Generator) -> nn.Module:
    with seeded(rng):
        return ConvNet(ConvNetConfig(norm="group")).build(SHAPE, 10)


@pytest.fixture(scope="session")
def loot() -> Loot:
    data = load_digits()
    x = torch.tensor(data.images / 16, dtype=torch.float32)[:, None]
    order = torch.randperm(len(x), generator=generator(0))
    samples = Samples(x, torch.tensor(data.target)).select(order)
    owner, pool, test = (
        samples.select(torch.arange(*ends)) for ends in ((0, 900), (900, 1300), (1300, 1797))
    )
    scheme = discover().build(Kind.SCHEME, "uchida", {"strength": 0.1})
    task, terms = Task("digits", SHAPE, 10, owner), tuple(ConvNet(ConvNetConfig()).terms())
    host = HostView(lambda: blank(generator(1)), blank, RECIPE, terms)
    marked = scheme.embed(
        host, scheme.make_key(task, generator(0)), task, Fitter(torch.device("cpu"), generator(7))
    )

    def stolen(data: Samples | None = pool) -> Stolen:
        state = {name: tensor.clone() for name, tensor in marked.network.state_dict().items()}
        network = blank(generator(1))
        network.load_state_dict(state)
        return Stolen(network.eval(), SHAPE, 10, data)

    return Loot(stolen, marked.key, test)


@pytest.fixture
def fit() -> Fitter:
    return Fitter(torch.device("cpu"), generator(3))


@pytest.fixture
def rng() -> torch.Generator:
    return generator(5)


@pytest.fixture
def attack() -> Callable[..., Attack]:
    """Makes an attack as a plan would."""

    def make(name: str, **params: Any) -> Attack:
        made: Attack = discover().build(Kind.ATTACK, name, params)
        return made

    return make


@pytest.fixture(scope="session")
def uchida() -> Any:
    return discover().build(Kind.EXTRACTOR, "uchida")
