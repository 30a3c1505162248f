"""Handwritten digits, hosts, and networks marked once a session."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import HostView, Key, Marked, Recipe, Samples, Task, seeded
from ownmark.loops import Fitter
from ownmark_passports.deepipr.config import DeepIPRConfig
from ownmark_passports.deepipr.scheme import DeepIPR
from ownmark_passports.embed import PassportScheme
from ownmark_passports.passport_aware.config import PassportAwareConfig
from ownmark_passports.passport_aware.scheme import PassportAware

RECIPE = Recipe(epochs=20, batch_size=64, lr=0.05, schedule="one-cycle")
SHAPE = (1, 8, 8)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitter(seed: int = 7) -> Fitter:
    return Fitter(torch.device("cpu"), generator(seed))


class Case(NamedTuple):
    """A scheme, the host it marks (96 + 96 channels in its widest layers), and what came of it."""

    scheme: PassportScheme
    host: HostView
    key: Key
    marked: Marked


class Bench:
    """Images, and everything that takes seconds to make, made once."""

    def __init__(self) -> None:
        data = load_digits()
        x = torch.tensor(data.images / 16, dtype=torch.float32)[:, None]
        order = torch.randperm(len(x), generator=generator(0))
        samples = Samples(x, torch.tensor(data.target)).select(order)
        self.owner, self.test = (
            samples.select(rows) for rows in (torch.arange(1200), torch.arange(1200, 1797))
        )
        self.task = Task("digits/convnet", SHAPE, 10, self.owner)
        self.train = cache(self._train)
        self.case = cache(self._case)

    def blank(self, norm: str, rng: torch.Generator, width: float = 1.5) -> nn.Module:
        with seeded(rng):
            return ConvNet(ConvNetConfig(norm=norm, width=width)).build(SHAPE, 10)

    def _train(self, norm: str, seed: int) -> nn.Module:
        fit = fitter(seed)
        return fit(self.blank(norm, fit.rng), self.owner, RECIPE)

    def host(self, norm: str) -> HostView:
        terms = ConvNet(ConvNetConfig(recipe=RECIPE)).terms()
        return HostView(
            lambda: copy.deepcopy(self.train(norm, 1000)),
            lambda rng: self.blank(norm, rng),
            RECIPE,
            tuple(terms),
        )

    def _case(self, name: str, norm: str, options: tuple[tuple[str, Any], ...]) -> Case:
        if name == "deepipr":
            scheme: PassportScheme = DeepIPR(DeepIPRConfig(**dict(options)))
        else:
            scheme = PassportAware(PassportAwareConfig(**dict(options)))
        key = scheme.make_key(self.task, generator(0))
        host = self.host(norm)
        return Case(scheme, host, key, scheme.embed(host, key, self.task, fitter()))


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()


@pytest.fixture(
    scope="session",
    params=[("deepipr", "group"), ("deepipr", "batch"), ("passport_aware", "batch")],
    ids=["deepipr on GroupNorm", "deepipr on BatchNorm", "passport_aware"],
)
def case(bench: Bench, request: pytest.FixtureRequest) -> Case:
    name, norm = request.param
    return bench.case(name, norm, (("layers", "widest"),))
