"""The functions of PST and ST: `pst_transform` composes the others.

Source: PST paper, Algorithm 1, lines 8 to 16. Everything is batched and drawn for each image by itself.
Symbols: images [N, C, H, W] in [0, 1]; displacements [N, H, W, 2] in pixels, (x, y): what is seen at a point came from
the point plus its displacement. gamma bounds each entry of each displacement.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.filters import median_blur
from torch import Tensor

from ownmark_pst.front import uniform
from ownmark_pst.pst.config import PSTConfig, STConfig
from ownmark_pst.shared import smooth

REFERENCE = 160
"""Side in pixels at which the paper states gamma."""

WORK = 2**21
"""Most values that one pass over enlarged images holds in a tensor: 8 MiB, which caches and allocators take well."""


def resize(x: Tensor, size: tuple[int, int], antialias: bool = False) -> Tensor:
    """Bicubic, clamped since it overshoots by a quarter. x: [N, C, H, W] in [0, 1]."""
    return F.interpolate(x, size, mode="bicubic", antialias=antialias).clamp(0, 1)


def grid_mask(like: Tensor, v: int, rng: torch.Generator) -> Tensor:
    """Where the pattern lies: every v-th row and every v-th column, from a random phase of each.

    Args:
        like: images [N, C, H, W]. Returns: bool [N, 1, H, W].
    """
    count, _, height, width = like.shape
    phase = (uniform(like, (2, count, 1), rng) * v).long()
    rows = torch.arange(height, device=like.device).remainder(v) == phase[0]
    columns = torch.arange(width, device=like.device).remainder(v) == phase[1]
    return (rows[:, :, None] | columns[:, None, :])[:, None]


def embed_pattern(x: Tensor, v: int, kernel: int, rng: torch.Generator) -> Tensor:
    """Pixels of the grid replaced by the median of their neighbourhood, channel by channel."""
    return torch.where(grid_mask(x, v, rng), median_blur(x, kernel), x)


def centred(height: int, width: int, like: Tensor) -> Tensor:
    """Pixel positions (x, y) about the image's centre, [H, W, 2]."""
    rows = torch.arange(height, device=like.device).to(like) - (height - 1) / 2
    columns = torch.arange(width, device=like.device).to(like) - (width - 1) / 2
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)


def affine_displacement(like: Tensor, gamma: float, rng: torch.Generator) -> Tensor:
    """A random rotation about the centre followed by a random shift, shrunk until no pixel moves more than gamma.

    The displacement is affine in the position, so its largest entries are at the corners. Rotation and shift are
    drawn so that each alone can just use up gamma.

    Args:
        like: images [N, C, H, W]. gamma: pixels. Returns: [N, H, W, 2].
    """
    count, _, height, width = like.shape
    draw = 2 * uniform(like, (count, 3), rng) - 1
    angle = draw[:, 0] * 2 * gamma / (max(height, width) - 1)
    sine, turn = angle.sin(), angle.cos() - 1
    matrix = torch.stack([turn, -sine, sine, turn], dim=1).view(count, 2, 2)
    place = centred(height, width, like)
    moved = torch.einsum("hwc,ndc->nhwd", place, matrix) + gamma * draw[:, None, None, 1:]
    corners = moved[:, :: height - 1, :: width - 1].abs().amax((1, 2, 3))
    return moved * (gamma / corners.clamp(min=gamma))[:, None, None, None]


def elastic_displacement(like: Tensor, gamma: float, sigma: float, rng: torch.Generator) -> Tensor:
    """A smooth random field whose largest entry is gamma.

    Uniform noise, smoothed with a Gaussian of `sigma` pixels, scaled image by image. Returns: [N, H, W, 2].
    """
    count, _, height, width = like.shape
    field = smooth(2 * uniform(like, (count, 2, height, width), rng) - 1, sigma)
    field = field * (gamma / field.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12))
    return field.permute(0, 2, 3, 1)


def warp(x: Tensor, displacement: Tensor) -> Tensor:
    """Bilinear reading of the images at displaced positions; the border's colour continues outside."""
    height, width = x.shape[2:]
    half = x.new_tensor([(width - 1) / 2, (height - 1) / 2])
    where = (centred(height, width, x) + displacement) / half
    return F.grid_sample(x, where, mode="bilinear", padding_mode="border", align_corners=True)


def pst_transform(x: Tensor, config: STConfig, rng: torch.Generator) -> Tensor:
    """g(x): enlarge, embed the pattern, warp affinely, warp elastically, shrink (lines 9 to 15).

    Args:
        x: [N, C, H, W] in [0, 1]. config: with a pattern if it is a `PSTConfig` whose `grid` is on.
        Returns: [N, C, H, W].
    """
    most = max(1, WORK // (max(2, x.shape[1]) * config.beta**2 * x.shape[2] * x.shape[3]))
    return torch.cat([_transformed(part, config, rng) for part in torch.split(x, most)])


def _transformed(x: Tensor, config: STConfig, rng: torch.Generator) -> Tensor:
    height, width = x.shape[2:]
    large = resize(x, (config.beta * height, config.beta * width))
    scale = min(large.shape[2:]) / REFERENCE
    if isinstance(config, PSTConfig) and config.grid:
        large = embed_pattern(large, config.v, config.kernel, rng)
    if config.gamma > 0:
        large = warp(large, affine_displacement(large, config.gamma * scale, rng))
        large = warp(large, elastic_displacement(large, config.gamma * scale, config.sigma * scale, rng))
    return resize(large, (height, width), config.antialias)
