"""The methods."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from ownmark.contracts import (
    Attack,
    Dataset,
    Evidence,
    Extractor,
    Fit,
    Host,
    HostView,
    Images,
    Key,
    Marked,
    Samples,
    Scheme,
    Stolen,
    Suspect,
    Task,
    WhiteBox,
)
from sleepy_marks.value import VALUE

BITS = 8


class Dots(Dataset):
    """Bright or dark."""

    def load(self) -> Images:
        """Forty and twenty."""
        y = torch.arange(60) % 2
        x = (0.2 + 0.6 * y.float())[:, None, None, None] + 0.1 * torch.linspace(0, 1, 240).view(60, 1, 2, 2)
        return Images(Samples(x[:40], y[:40]), Samples(x[40:], y[40:]), 2)


class Dot(Host):
    """One layer."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """Flatten, then a linear layer."""
        return nn.Sequential(nn.Flatten(), nn.Linear(4, classes))


def _weight(network: nn.Module) -> Tensor:
    return next(network.parameters()).detach().view(-1)


class Sleepy(Scheme):
    """Signs of the only weights."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Random bits."""
        return Key("sleepy", {"bits": torch.randint(2, (BITS,), generator=rng).to(torch.uint8)})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Sleep, then set them."""
        time.sleep(self.config.seconds)
        network = host.trained()
        weight = _weight(network)
        weight.copy_((key["bits"].to(weight) * 2 - 1) * (1 + self.config.number))
        return Marked(network, key, {"value": VALUE})


class WideAwake(Extractor):
    """Reads them."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """A positive weight is a 1."""
        found = _weight(suspect.network) > 0
        return Evidence((found == key["bits"].bool()).cpu(), chance=0.5)


class Nap(Attack):
    """Leaves everything as it was."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Sleep."""
        time.sleep(self.config.seconds)
        return Suspect(stolen.network, {"value": VALUE})


class Nightmare(Attack):
    """Fails."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Raise."""
        raise RuntimeError(f"nightmare {self.config.number}")
