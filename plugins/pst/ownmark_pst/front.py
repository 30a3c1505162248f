"""A transform in front of a network, and the attack that does nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.errors import NotApplicable

Change = Callable[[Tensor, torch.Generator], Tensor]
"""A transform of images [N, C, H, W] in [0, 1] into the same; draws from the generator only, batched on the device."""

LEAST = 4
"""Pixels a side below which there is nothing to transform."""


def uniform(like: Tensor, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Values of [0, 1) in `shape`, on the device and in the type of `like`, drawn where the generator lives."""
    return torch.rand(shape, generator=rng, device=rng.device).to(like)


class Front(nn.Module):
    """Answers each query with the network's answer to the transformed query; every query is transformed afresh.

    Args:
        seed: of the generator, made on the device of the first query, that all queries draw from.
    """

    def __init__(self, network: nn.Module, change: Change, seed: int) -> None:
        super().__init__()
        self.network = network
        self._change = change
        self._seed = seed
        self._rng: torch.Generator | None = None

    def transformed(self, x: Tensor) -> Tensor:
        """What the network gets to see of a query: the same shape, in [0, 1], with the next draws."""
        if self._rng is None:
            self._rng = torch.Generator(x.device).manual_seed(self._seed)
        return self._change(x, self._rng)

    def forward(self, x: Tensor) -> Tensor:
        """What the network says of the transformed query. x: [N, C, H, W] in [0, 1]. Returns: [N, classes]."""
        answer: Tensor = self.network(self.transformed(x))
        return answer


def before_and_after(x: Tensor, change: Change, rng: torch.Generator) -> Tensor:
    """The images, then what the transform makes of them: [2 N, C, H, W] in [0, 1], on the CPU."""
    return torch.cat([x, change(x, rng)]).cpu()


def card(shape: tuple[int, int, int], count: int = 8) -> Tensor:
    """A checkerboard on a ramp from dark to light, [count, C, H, W]: a picture that needs no data."""
    channels, height, width = shape
    side = max(1, min(height, width) // 4)
    rows, columns = torch.arange(height) // side, torch.arange(width) // side
    board = (rows[:, None] + columns[None, :]) % 2
    picture = 0.5 * board + 0.5 * torch.linspace(0, 1, width)
    return picture.expand(count, channels, height, width)


class QueryTime(Attack):
    """Leaves the weights alone and puts a transform in front of the network."""

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """Inputs must be images."""
        if min(shape[1:]) < LEAST:
            raise NotApplicable(f"images of at least {LEAST} pixels a side are needed, these are {shape[1:]}")

    @abstractmethod
    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """The transform, as `Change` says."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """The stolen network as it is; the picture shows a test card and its transforms."""
        if stolen.shape[0] not in (1, 3):
            return Suspect(stolen.network)
        return Suspect(stolen.network, {"transform": before_and_after(card(stolen.shape), self.change, rng)})

    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        """The network behind the transform."""
        seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
        return Front(network, self.change, seed)

    def preview(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """The transformed queries."""
        return self.change(x, rng)
