"""Attacks that show what they were given, or what the runner does with what they do."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect


class Breaks(Attack):
    """Fails, with something big in its frame."""

    network: Callable[[], nn.Module | None] = staticmethod(lambda: None)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Raise."""
        ballast = stolen.network
        Breaks.network = weakref.ref(ballast)
        raise RuntimeError(f"acme broke on {type(ballast).__name__}")


class Shifted(nn.Module):
    """Answers to other pixels than it is asked about."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Answer upside down."""
        answer: Tensor = self.network(x.flip(2))
        return answer


class Shift(Attack):
    """Acts at query time only."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Leave the weights alone."""
        return Suspect(stolen.network)

    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        """Turn images upside down."""
        return Shifted(network)

    def preview(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Upside down."""
        return x.flip(2)


class Stray(Attack):
    """Draws from torch's global generator, which it should not."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Add noise to every parameter."""
        for parameter in stolen.network.parameters():
            parameter.data += 0.01 * torch.randn(parameter.shape).to(parameter)
        return Suspect(stolen.network, {"draw": float(torch.rand(()))})


class Takes(Attack):
    """Needs no images, and would use what it gets."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Say what was granted."""
        data, transfer = stolen.data, stolen.transfer
        shown: dict[str, Any] = {
            "images": 0 if data is None else len(data),
            "labelled": float(data is not None and data.y is not None),
            "transfer": 0 if transfer is None else len(transfer),
            "channels": 0 if transfer is None else transfer.x.shape[1],
        }
        return Suspect(stolen.network, shown)


class Learns(Takes):
    """Needs labelled images."""


class Wraps(Attack):
    """Runs another attack."""

    def __init__(self, config: Any, inner: Attack) -> None:
        super().__init__(config)
        self.inner = inner

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Leave it to the other one."""
        return self.inner.attack(stolen, fit, rng)
