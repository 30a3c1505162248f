"""What tests of several packs use: digits, generators, and a `Fit` that only looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from ownmark.contracts import Recipe, Samples, Task
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
