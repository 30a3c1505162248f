"""A model that somebody trained in plain torch on digits, marked in its answers (adi) and in its weights (uchida)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import ownmark
from ownmark.api import Mark


class Net(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24)
        self.conv2, self.norm2 = nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48)
        self.head = nn.Linear(48 * 16, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.max_pool2d(torch.relu(self.norm2(self.conv2(x))), 2)
        found: Tensor = self.head(x.flatten(1))
        return found


def digits() -> tuple[Tensor, Tensor]:
    data = load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(1))
    return torch.tensor(data.images[:, None] / 16, dtype=torch.float32)[order], torch.tensor(data.target)[
        order
    ]


def trained(seed: int = 0, classes: int = 10) -> nn.Module:
    x, y = digits()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Net(classes)
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        for _ in range(6):
            for batch in torch.randperm(1397).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[batch]), y[batch] % classes).backward()
                optimizer.step()
    return net.eval()


SCHEMES: Mapping[str, Any] = {
    "adi": {"adi": {"keys": 24, "recipe": {"epochs": 10}}},
    "uchida": {"uchida": {"bits": 64, "recipe": {"epochs": 4}, "strength": 0.1}},
}


@pytest.fixture(scope="session")
def marks() -> dict[str, Mark]:
    x, y = digits()
    net = trained()
    return {
        name: ownmark.mark(
            net, (x[:1397], y[:1397]), scheme, test=(x[1397:], y[1397:]), max_loss=0.03, device="cpu"
        )
        for name, scheme in SCHEMES.items()
    }
