"""Adversarial images at the decision boundary: those that cross it and those that do not."""

from __future__ import annotations

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


def frontier(
    network: nn.Module, samples: Samples, order: Tensor, eps: float, half: int
) -> tuple[Samples, Tensor]:
    """`half` true adversaries (f(x') != y) followed by `half` false ones (f(x') = y), all with their true labels.

    Args:
        order: positions [M] in which correctly classified samples are tried.

    Returns: the adversaries [2 half, C, H, W] and the positions [2 half] of the images they were made from.

    Raises:
        NotApplicable: the samples do not give as many of both.
    """
    found: dict[bool, list[Samples]] = {True: [], False: []}
    places: dict[bool, list[Tensor]] = {True: [], False: []}
    for index in torch.split(order.to(samples.device), _BATCH):
        part = samples.select(index)
        right = predictions(network, part.x) == part.labels
        part, index = part.select(right), index[right]
        x = perturbed(network, part.x, part.labels, eps)
        crossed = predictions(network, x) != part.labels
        for kind in (True, False):
            found[kind].append(Samples(x, part.labels).select(crossed == kind))
            places[kind].append(index[crossed == kind])
        if all(sum(map(len, found[kind])) >= half for kind in (True, False)):
            break
    return _halves(found, half, eps), torch.cat([torch.cat(places[kind])[:half] for kind in (True, False)])


def _halves(found: dict[bool, list[Samples]], half: int, eps: float) -> Samples:
    counts = {kind: sum(map(len, found[kind])) for kind in (True, False)}
    if min(counts.values()) < half:
        change = "raise" if counts[True] < half else "lower"
        raise NotApplicable(
            f"{half} adversaries of each kind are needed; at eps {eps:g} the owner's images give {counts[True]} that "
            f"cross the boundary and {counts[False]} that do not: {change} `eps`, or lower `keys`"
        )
    joined = [sum(parts[1:], parts[0]).select(torch.arange(half)) for parts in (found[True], found[False])]
    return joined[0] + joined[1]
