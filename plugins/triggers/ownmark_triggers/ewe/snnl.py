"""Soft nearest neighbour loss: how entangled two groups of representations are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-5
"""As in the authors' code, inside and outside of the fraction."""
INVERSE = 100.0
"""tau = 100 / t."""
POOLED = 4
"""Feature maps are averaged down to this side."""


def flat(representation: Tensor) -> Tensor:
    """[B, C, H, W] averaged to at most 4 x 4, or [B, D] as it is: rectified and flattened, [B, D]."""
    if representation.ndim == 4:
        height, width = (min(POOLED, side) for side in representation.shape[2:])
        representation = F.adaptive_avg_pool2d(representation, (height, width))
    return representation.relu().flatten(1).float()


def snnl(r: Tensor, group: Tensor, t: Tensor) -> Tensor:
    """-mean_i log(eps + sum_{j != i, same group} e_ij / (eps + sum_{j != i} e_ij)), e_ij = exp(-d_ij t / 100).

    Near 0 for groups far apart, ln 2 for two equal groups fully mixed.

    Args:
        r: representations [B, D]; d is one minus the cosine. group: [B]. t: scalar. Returns: scalar.
    """
    unit = F.normalize(r, eps=1e-4)
    distance = 1 - unit @ unit.T
    others = 1 - torch.eye(len(r), device=r.device)
    kernel = torch.exp(-distance * t / INVERSE).clamp(0, 1) * others
    same = (group[:, None] == group[None, :]).to(kernel)
    share = (kernel * same).sum(1) / (EPS + kernel.sum(1))
    return -torch.log(EPS + share).mean()


def total_snnl(representations: Sequence[Tensor], group: Tensor, t: Tensor) -> Tensor:
    """Sum over layers; t: [layers]."""
    losses = [snnl(flat(r), group, t[i]) for i, r in enumerate(representations)]
    return torch.stack(losses).sum()
