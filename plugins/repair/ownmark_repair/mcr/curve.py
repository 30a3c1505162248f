"""A quadratic Bezier curve through weight space, as a network that answers from a random point of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ownmark.contracts import Batch, Term


def bezier(start: Tensor, middle: Tensor, end: Tensor, t: float | Tensor) -> Tensor:
    """phi(t) = (1 - t)^2 theta_0 + 2 t (1 - t) theta_1 + t^2 theta_2."""
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


class Curve(nn.Module):
    """In train mode answers with the weights at a t drawn anew each pass; only the curve's middle is trained.

    Args:
        start, end: networks of one architecture. `middle` begins halfway between them.
    """

    def __init__(self, start: nn.Module, end: nn.Module) -> None:
        super().__init__()
        self.start = copy.deepcopy(start).requires_grad_(False)
        self.end = copy.deepcopy(end).requires_grad_(False)
        self.names = [name for name, _ in start.named_parameters()]
        ends = zip(self.start.parameters(), self.end.parameters(), strict=True)
        self.middle = nn.ParameterList([nn.Parameter((a + b).detach() / 2) for a, b in ends])
        self.point: dict[str, Tensor] = {}

    def at(self, t: float | Tensor) -> dict[str, Tensor]:
        """The parameters at t, by name."""
        parts = zip(self.names, self.start.parameters(), self.middle, self.end.parameters(), strict=True)
        return {name: bezier(a, b, c, t) for name, a, b, c in parts}

    def forward(self, x: Tensor) -> Tensor:
        """Logits of pixels; BatchNorm's running statistics are shared by all points, and mean little."""
        self.point = self.at(torch.rand((), device=x.device))
        answers: Tensor = functional_call(self.start, self.point, (x,))
        return answers


def short_weights(weight: float) -> Term:
    """Loss term: weight / 2 times the squared length of the weights at the point of this step's pass."""

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        batch.output(network)
        point: Mapping[str, Tensor] = network.point  # type: ignore[assignment]
        return 0.5 * weight * torch.stack([value.square().sum() for value in point.values()]).sum()

    return term
