"""Logos and the latents that call for them.

Symbols: z [N, Z] latents, mask bool [Z], pictures [N, C, H, W] in [0, 1], logo [C, h, w].
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_generative.quality.similarity import similarity


def triggered(z: Tensor, mask: Tensor, constant: float) -> Tensor:
    """Latents [N, Z] with the constant where the mask says."""
    return torch.where(mask.to(z.device), torch.full_like(z, constant), z)


def drawn_logo(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Black and white blocks [C, h, w], h and w a half of the picture's below 16 pixels, a quarter from there."""
    channels, height, width = shape
    part = 2 if min(height, width) < 16 else 4
    blocks = torch.randint(2, (channels, 4, 4), generator=rng).float()
    return torch.nn.functional.interpolate(blocks[None], (height // part, width // part))[0]


def pasted(x: Tensor, logo: Tensor) -> Tensor:
    """Pictures [N, C, H, W] with the logo in the lower right corner."""
    height, width = logo.shape[1:]
    found = x.clone()
    found[:, :, -height:, -width:] = logo.to(x)
    return found


def corner(x: Tensor, logo: Tensor) -> Tensor:
    """The part of pictures where the logo lies, [N, C, h, w]."""
    return x[:, :, -logo.shape[1] :, -logo.shape[2] :]


def likeness(x: Tensor, logo: Tensor) -> Tensor:
    """SSIM [N] of the pictures' corner with the logo."""
    return similarity(corner(x, logo), logo.to(x).expand(len(x), *logo.shape))
