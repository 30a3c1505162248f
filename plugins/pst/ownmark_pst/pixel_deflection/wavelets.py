"""Denoising by soft thresholds on Haar wavelets.

Source: S. G. Chang, B. Yu, M. Vetterli, "Adaptive Wavelet Thresholding for Image Denoising and Compression", IEEE TIP
2000 (BayesShrink).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ownmark_pst.shared import padded


def split(x: Tensor) -> tuple[Tensor, Tensor]:
    """One level of the orthonormal Haar transform.

    Args:
        x: [N, C, H, W], H and W even. Returns: averages [N, C, H/2, W/2] and three details [N, C, 3, H/2, W/2].
    """
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    details = torch.stack([a - b + c - d, a + b - c - d, a - b - c + d], dim=2)
    return (a + b + c + d) / 2, details / 2


def joined(average: Tensor, details: Tensor) -> Tensor:
    """Inverse of `split`."""
    h, v, d = details.unbind(2)
    top = torch.stack([average + h + v + d, average - h + v - d], dim=-1).flatten(-2)
    bottom = torch.stack([average + h - v - d, average - h - v + d], dim=-1).flatten(-2)
    return torch.stack([top, bottom], dim=-2).flatten(-3, -2) / 2


def shrunk(details: Tensor, sigma: float) -> Tensor:
    """Details moved towards 0 by sigma^2 / (their standard deviation beyond the noise), band by band.

    A band with no more variance than noise has vanishes. details: [N, C, 3, h, w].
    """
    signal = (details.square().mean((-2, -1), keepdim=True) - sigma**2).clamp(min=1e-12).sqrt()
    return details.sign() * (details.abs() - sigma**2 / signal).clamp(min=0)


def denoised(x: Tensor, sigma: float, levels: int | None = None) -> Tensor:
    """Images without noise of standard deviation `sigma`.

    Args:
        x: [N, C, H, W]. levels: of the transform; by default all but three of those that fit, and at least one.
    """
    height, width = x.shape[2:]
    levels = max(1, int(math.log2(min(height, width))) - 3) if levels is None else levels
    average, details = split(padded(x, 2))
    if levels > 1:
        average = denoised(average, sigma, levels - 1)
    return joined(average, shrunk(details, sigma))[..., :height, :width]
