"""What pictures are expected to look like: little energy, little variation.

Source: MIRA paper, appendix A.1 (Equations 8 and 9), here per image and per pixel; see the card of `mira`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def units(like: Tensor, mean: Sequence[float], std: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the pixels as tensors [1 or C, 1, 1] of `like`'s type and device."""
    centre, scale = (
        torch.as_tensor(v, dtype=like.dtype, device=like.device).reshape(-1, 1, 1) for v in (mean, std)
    )
    return centre, scale


def standardised(u: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(u - mean) / std: the units in which the paper's networks see pixels u in [0, 1].

    Args:
        u: [B, C, H, W]. mean, std: one value, or one a channel.
    """
    centre, scale = units(u, mean, std)
    return (u - centre) / scale


def energy(x: Tensor) -> Tensor:
    """R_l2: mean square of the pixels of each image. x: [B, C, H, W]. Returns: [B]."""
    return x.square().flatten(1).mean(1)


def variation(x: Tensor) -> Tensor:
    """R_tv: squared differences of vertical and horizontal neighbours, each pair once, over C * H * W. Returns: [B]."""
    down, right = x.diff(dim=2), x.diff(dim=3)
    return (down.square().flatten(1).sum(1) + right.square().flatten(1).sum(1)) / x[0].numel()


def released_energy(x: Tensor) -> Tensor:
    """The authors' code: the Euclidean norm of all pictures of a slice, over their number.

    Args:
        x: [G, M, C, H, W]. Returns: [G].
    """
    return torch.linalg.vector_norm(x.flatten(1), dim=1) / x.shape[1]


def released_variation(x: Tensor) -> Tensor:
    """The authors' code: twice the mean squared differences of vertical and of horizontal neighbours.

    Args:
        x: [G, M, C, H, W]. Returns: [G].
    """
    down, right = x.diff(dim=3), x.diff(dim=4)
    return 2 * (down.square().flatten(1).mean(1) + right.square().flatten(1).mean(1))


def batch_variation(x: Tensor) -> Tensor:
    """DeepInversion's: Euclidean norms over the batch of the differences in four directions, summed; a scalar."""
    tilted, slanted = x[:, :, 1:, 1:] - x[:, :, :-1, :-1], x[:, :, 1:, :-1] - x[:, :, :-1, 1:]
    differences = (x.diff(dim=2), x.diff(dim=3), tilted, slanted)
    return torch.stack([torch.linalg.vector_norm(one) for one in differences]).sum()
