"""Adversarial images at the decision boundary: those that cross it and those that do not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Samples, evaluating, predictions
from ownmark.errors import NotApplicable

_BATCH = 512


def usual_eps(height: int, width: int) -> float:
    """Bound by image size: .03 from 32 pixels on, .25 from 16, .15 below."""
    side = min(height, width)
    return 0.03 if side >= 32 else 0.25 if side >= 16 else 0.15


def gradient_sign(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """sign of the cross entropy's gradient in each pixel, [N, C, H, W]; the network in eval mode, left as it was."""
    with evaluating(network), torch.enable_grad():
        pixels = x.detach().clone().requires_grad_()
        loss = F.cross_entropy(network(pixels).float(), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, pixels)
    return gradient.sign()


def perturbed(network: nn.Module, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """x' = clip(x + eps sign(grad_x CE(f(x), y)), 0, 1), in pixel space: [N, C, H, W]."""
    return (x + eps * gradient_sign(network, x, y)).clamp(0, 1)


@dataclass(frozen=True)
class Side:
    """Adversaries of one kind with their true labels, in the order they were found; `places` [N] of their images."""

    samples: Samples
    places: Tensor

    def part(self, start: int, stop: int | None = None) -> Side:
        """Those from `start` to before `stop`."""
        index = torch.arange(len(self.samples))[start:stop]
        return Side(self.samples.select(index), self.places[index.to(self.places.device)])

    def __len__(self) -> int:
        return len(self.samples)

    def __add__(self, other: Side) -> Side:
        return Side(self.samples + other.samples, torch.cat([self.places, other.places]))


def frontier(
    network: nn.Module, samples: Samples, order: Tensor, eps: float, half: int, most: int | None = None
) -> tuple[Side, Side]:
    """True adversaries (f(x') != y) and false ones (f(x') = y): at least `half` of each, and at most `most`.

    Args:
        order: positions [M] in which correctly classified samples are tried. most: `half` if not given.

    Raises:
        NotApplicable: the samples do not give `half` of both.
    """
    most = most or half
    none = samples.select(torch.arange(0))
    found = dict.fromkeys((True, False), Side(Samples(none.x, none.labels), order[:0].to(samples.device)))
    for index in torch.split(order.to(samples.device), _BATCH):
        part = samples.select(index)
        right = predictions(network, part.x) == part.labels
        part, index = part.select(right), index[right]
        x = perturbed(network, part.x, part.labels, eps)
        crossed = predictions(network, x) != part.labels
        for kind in (True, False):
            chosen = crossed == kind
            found[kind] += Side(Samples(x[chosen], part.labels[chosen]), index[chosen])
        if min(map(len, found.values())) >= most:
            break
    _require_enough(len(found[True]), len(found[False]), half, eps)
    return found[True].part(0, most), found[False].part(0, most)


def _require_enough(crossing: int, staying: int, half: int, eps: float) -> None:
    if min(crossing, staying) < half:
        change = "raise" if crossing < half else "lower"
        raise NotApplicable(
            f"{half} adversaries of each kind are needed; at eps {eps:g} the owner's images give {crossing} that "
            f"cross the boundary and {staying} that do not: {change} `eps`, or lower `keys`"
        )
