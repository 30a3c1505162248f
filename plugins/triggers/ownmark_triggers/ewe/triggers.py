"""Triggers of entangled watermarks: where the patch goes, and refinement on the trained host. All in eval mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark_triggers.ewe.snnl import total_snnl
from ownmark_triggers.networks import inputs_of, settled

MOST_STEPS, LAST_STEPS = 50, 5
"""Logit-lowering steps of all rounds together at most, and after the last round (authors' code)."""
TOLERATED = 0.1
"""Share of triggers that the host may still call the target."""

Slope = Callable[[Tensor], Tensor]
"""Images [B, C, H, W] -> a gradient of the same shape."""


def window_side(side: int | None, height: int, width: int) -> int:
    """Side of the patch: as asked for, else a tenth of the shorter side, at least the authors' 3."""
    return max(3, round(0.1 * min(height, width))) if side is None else side


def entanglement_slope(
    network: nn.Module, layers: Sequence[str], genuine: Tensor, temperature: float
) -> Slope:
    """d SNNL / d x of triggers x against `genuine` images of the target class [N, C, H, W]."""

    def slope(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        group = torch.cat([torch.ones(len(x)), torch.zeros(len(genuine))]).to(x.device)
        t = torch.full((len(layers),), temperature, device=x.device)
        with torch.enable_grad(), settled(network), inputs_of(network, layers) as seen:
            network(torch.cat([x, genuine]))
            return torch.autograd.grad(total_snnl(seen, group, t), x)[0]

    return slope


def logit_slope(network: nn.Module, target: int) -> Slope:
    """d (logit of the target) / d x."""

    def slope(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad(), settled(network):
            return torch.autograd.grad(network(x)[:, target].sum(), x)[0]

    return slope


def patch_mask(gradient: Tensor, side: int) -> Tensor:
    """The square where the gradient of channel 0, summed, is smallest: 1 there in channel 0, 0 elsewhere.

    Args:
        gradient: [C, H, W]. Returns: [C, H, W].
    """
    sums = F.avg_pool2d(gradient[None, :1], side, stride=1)[0, 0]
    top, left = divmod(int(sums.argmin()), sums.shape[1])
    mask = torch.zeros_like(gradient)
    mask[0, top : top + side, left : left + side] = 1
    return mask


def refined(
    network: nn.Module, x: Tensor, target: int, entangle: Slope, *, rounds: int, step: float
) -> Tensor:
    """Triggers that an unmarked network does not call the target, though they are like its images inside.

    Each round lowers the target's logit until at most a tenth of the triggers have that label, then raises
    their entanglement by one step; five lowering steps end it.

    Args:
        x: [B, C, H, W] in [0, 1]. Returns: the same.
    """
    lower = logit_slope(network, target)

    def called_target() -> float:
        with torch.no_grad(), settled(network):
            return float((network(x).argmax(1) == target).float().mean())

    left = MOST_STEPS
    for _ in range(rounds):
        while left and called_target() > TOLERATED:
            x = (x - step * lower(x).sign()).clamp(0, 1)
            left -= 1
        x = (x + step * entangle(x).sign()).clamp(0, 1)
    for _ in range(LAST_STEPS if rounds else 0):
        x = (x - step * lower(x).sign()).clamp(0, 1)
    return x.detach()
