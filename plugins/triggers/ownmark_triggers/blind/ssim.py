"""Structural similarity (Wang et al., IEEE TIP 2004), Gaussian window, for images in [0, 1]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def gaussian_window(side: int) -> Tensor:
    """[side, side], sums to 1."""
    place = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    line = torch.exp(-(place**2) / (2 * SIGMA**2))
    line = line / line.sum()
    return line[:, None] * line[None, :]


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """Mean similarity of two batches [N, C, H, W]: scalar, 1 for equal ones.

    The window is 11 pixels wide, on smaller images the largest odd number that fits. Edges are padded with zeros.
    """
    channels, height, width = one.shape[1:]
    side = min(WINDOW, (min(height, width) - 1) // 2 * 2 + 1)
    window = gaussian_window(side).to(one).expand(channels, 1, side, side)

    def blur(x: Tensor) -> Tensor:
        return F.conv2d(x, window, padding=side // 2, groups=channels)

    a, b = blur(one), blur(other)
    variance_a, variance_b = blur(one**2) - a**2, blur(other**2) - b**2
    covariance = blur(one * other) - a * b
    similar = (2 * a * b + C1) * (2 * covariance + C2)
    return (similar / ((a**2 + b**2 + C1) * (variance_a + variance_b + C2))).mean()
