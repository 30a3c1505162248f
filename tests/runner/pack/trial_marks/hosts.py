"""Hosts whose training has a state of its own, which networks trained together must not share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Host
from ownmark.contracts.fit import cross_entropy
from ownmark.contracts.samples import Batch, Term, Transform


class Drops(Host):
    """Draws from the global generator in every step."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """One hidden layer with dropout."""
        width = shape[0] * shape[1] * shape[2]
        return nn.Sequential(
            nn.Flatten(), nn.Linear(width, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, classes)
        )


class _Fading:
    """A loss that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        self.calls += 1
        return cross_entropy(network, batch, step) / self.calls


class Counts(Drops):
    """Has a term that remembers, and a transform that does."""

    def terms(self) -> Sequence[Term]:
        """Every step counts less than the one before."""
        return (_Fading(),)

    def transforms(self) -> Sequence[Transform]:
        """Brighter from step to step."""
        seen: list[int] = []

        def brighten(batch: Batch, rng: torch.Generator) -> Batch:
            seen.append(len(batch.x))
            batch.x = batch.x * (1 + 0.01 * len(seen))
            return batch

        return (brighten,)


class Strays(Drops):
    """Draws from torch's global generator where it should not."""

    def ready(self, network: nn.Module, which: str) -> bool:
        """Shifts a weight, and leaves the training to others."""
        weight: Any = next(network.parameters())
        weight.data.add_(torch.rand(()))
        return False

    def transforms(self) -> Sequence[Transform]:
        """Noise chosen once."""
        noise = torch.rand(())

        def dim(batch: Batch, rng: torch.Generator) -> Batch:
            batch.x = batch.x * noise
            return batch

        return (dim,)
