"""Small networks and images for the tests of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import Recipe, Samples
from ownmark.loops import Fitter


@pytest.fixture
def network() -> nn.Module:
    """A convolution, BatchNorm and dropout: always the same initial weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(64, 3),
        )


@pytest.fixture
def samples() -> Samples:
    """22 labelled images [1, 4, 4] of 3 classes."""
    rng = torch.Generator().manual_seed(1)
    return Samples(torch.rand(22, 1, 4, 4, generator=rng), torch.randint(3, (22,), generator=rng))


@pytest.fixture
def recipe() -> Recipe:
    """Three steps an epoch, the last one on 6 of 22 images."""
    return Recipe(epochs=2, batch_size=8, lr=0.05, schedule="constant", weight_decay=0.0)


@pytest.fixture
def fitter() -> Callable[..., Fitter]:
    """Makes fitters on the CPU: `fitter(seed=0, callbacks=...)`."""

    def make(seed: int = 0, **options: Any) -> Fitter:
        return Fitter(torch.device("cpu"), torch.Generator().manual_seed(seed), **options)

    return make
