"""Marked digits networks, made once, and what is read out of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from ownmark import Kind, discover
from ownmark.contracts import (
    Attack,
    Extractor,
    HostView,
    Key,
    Samples,
    Stolen,
    Suspect,
    Task,
    WhiteBox,
    outputs,
    seeded,
)
from ownmark.loops import Fitter

SHAPE = (1, 8, 8)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitter(seed: int = 7) -> Fitter:
    return Fitter(torch.device("cpu"), generator(seed))


@dataclass(frozen=True)
class World:
    """A network that uchida marked, its key, and images nobody trained on."""

    network: nn.Module
    key: Key
    test: Samples
    pool: Samples
    nulls: tuple[nn.Module, ...]

    def stolen(self, network: nn.Module | None = None, data: bool = False) -> Stolen:
        copied = copy.deepcopy(self.network if network is None else network)
        return Stolen(copied, SHAPE, 10, self.pool if data else None)

    def attacked(self, id: str, seed: int = 0, data: bool = False, **params: Any) -> Suspect:
        attack: Attack = discover().build(Kind.ATTACK, id, params)
        return attack.attack(self.stolen(data=data), fitter(seed), generator(seed))

    def ber(self, network: nn.Module, extractor: str | Mapping[str, Any] = "uchida") -> float:
        reader: Extractor = discover().build(Kind.EXTRACTOR, extractor)
        return 1 - reader.extract(WhiteBox(network), self.key, self.network).rate

    def aligned_ber(self, network: nn.Module) -> float:
        return self.ber(network, {"align": {"extractor": "uchida"}})

    def answers(self, network: nn.Module) -> torch.Tensor:
        return outputs(network, self.test.x).argmax(1)

    def accuracy(self, network: nn.Module) -> float:
        return float((self.answers(network) == self.test.labels).float().mean())


@pytest.fixture(scope="session")
def world() -> World:
    return make_world({"strength": 0.1}, null_models=3)


@pytest.fixture(scope="session")
def over_inputs() -> World:
    """As `world`, its filters averaged over inputs as in the invariance paper."""
    return make_world({"strength": 0.1, "average": "inputs"}, null_models=0)


def make_world(uchida: Mapping[str, Any], null_models: int) -> World:
    catalog = discover()
    host, images = catalog.build(Kind.HOST, "convnet"), catalog.build(Kind.DATASET, "digits").load()
    owner, pool = images.train.select(torch.arange(1000)), images.train.select(torch.arange(1000, 1300))
    scheme = catalog.build(Kind.SCHEME, "uchida", uchida)
    task = Task("digits/convnet", SHAPE, 10, owner)

    def blank(rng: torch.Generator) -> nn.Module:
        with seeded(rng):
            network: nn.Module = host.build(SHAPE, 10)
        return network

    view = HostView(lambda: blank(generator(3)), blank, host.recipe, tuple(host.terms()))
    marked = scheme.embed(view, scheme.make_key(task, generator(0)), task, fitter(100))
    nulls = tuple(
        fitter(500 + i)(blank(generator(600 + i)), owner, host.recipe, terms=host.terms()).eval()
        for i in range(null_models)
    )
    return World(marked.network.eval(), marked.key, images.test, pool, nulls)
