"""A model that somebody trained in plain torch, on images of two kinds of stripes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ownmark
from ownmark.builtin.datasets.function import stripes


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = (
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.Linear(1024, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).flatten(1))


def fitted(seed: int, mean: float = 0.0, std: float = 1.0) -> nn.Module:
    x, y, _, _ = stripes()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Net()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(30):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net((x - mean) / std), y).backward()
            optimizer.step()
    return net.train()


@pytest.fixture(scope="session")
def data() -> Any:
    x, y, x_test, y_test = stripes()
    return (x, y), (x_test, y_test)


@pytest.fixture(scope="session")
def model() -> nn.Module:
    return fitted(0)


ADI = {"adi": {"keys": 20, "recipe": {"epochs": 12}}}


@pytest.fixture(scope="session")
def marked(model: nn.Module, data: Any) -> ownmark.api.Mark:
    return ownmark.mark(model, data[0], ADI, test=data[1], max_loss=0.05, device="cpu")


@pytest.fixture(scope="session")
def normalised() -> nn.Module:
    return fitted(1, 0.3, 0.2)
