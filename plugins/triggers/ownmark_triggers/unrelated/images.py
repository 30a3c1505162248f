"""Foreign images: drawn letters, or another dataset's in the task's shape."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark_triggers.glyphs import letter


def _uniform(low: float, high: float, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)


def _views(count: int, rng: torch.Generator) -> Tensor:
    """Inverse affine maps [count, 2, 3]: turn up to 15 degrees, scale .8 to 1.1, move up to a tenth."""
    angle = _uniform(-math.pi / 12, math.pi / 12, (count,), rng)
    zoom = 1 / _uniform(0.8, 1.1, (count,), rng)
    move = _uniform(-0.2, 0.2, (count, 2), rng)
    rows = [zoom * angle.cos(), -zoom * angle.sin(), zoom * angle.sin(), zoom * angle.cos()]
    turn = torch.stack(rows, dim=1).reshape(count, 2, 2)
    return torch.cat([turn, move[:, :, None]], dim=2)


def drawn_letters(name: str, count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """One letter in random views: [count, C, H, W] in [0, 1].

    Light (.6 to 1) on black for grey images, any colour on any other for colour ones.
    """
    channels, height, width = shape
    glyph = F.pad(letter(name), (2, 2, 1, 1)).to(rng.device)[None, None].expand(count, 1, 9, 9)
    large = F.interpolate(glyph, (4 * height, 4 * width))
    grid = F.affine_grid(_views(count, rng), [count, 1, 4 * height, 4 * width], align_corners=False)
    ink = F.avg_pool2d(F.grid_sample(large, grid, align_corners=False), 4).clamp(0, 1)
    grey = channels == 1
    front = _uniform(0.6 if grey else 0.0, 1.0, (count, channels, 1, 1), rng)
    back = torch.zeros_like(front) if grey else _uniform(0.0, 1.0, (count, channels, 1, 1), rng)
    return ink * front + (1 - ink) * back


def in_shape(x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images [N, c, h, w] as [N, C, H, W]: resized; grey is copied to colour, colour averaged to grey."""
    if x.shape[1] != shape[0]:
        x = x.mean(1, keepdim=True).expand(-1, shape[0], -1, -1)
    if x.shape[2:] != shape[1:]:
        x = F.interpolate(x, shape[1:], mode="bilinear", antialias=True, align_corners=False)
    return x.clamp(0, 1).contiguous()
