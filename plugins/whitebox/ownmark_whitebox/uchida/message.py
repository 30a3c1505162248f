"""Pure functions of Uchida's watermark: projections, the loss.

Symbols: T bits, M = in * kh * kw (out * kh * kw where inputs are averaged), X [T, M] projection, w [M] mean filter,
b [T] message.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AXES = {"outputs": 0, "inputs": 1}
"""Dimension of a weight that is averaged over."""


def mean_filter(weight: Tensor, average: str = "outputs") -> Tensor:
    """Mean over output filters, or over inputs: [out, in, kh, kw] or [out, in] -> [M]."""
    return weight.float().mean(AXES[average]).flatten()


def project(weight: Tensor, projection: Tensor, average: str = "outputs") -> Tensor:
    """X w, positive for a 1: [out, in, ...] and [T, M] -> [T]."""
    return projection.to(weight.device) @ mean_filter(weight, average)


def message_loss(weight: Tensor, projection: Tensor, bits: Tensor, average: str = "outputs") -> Tensor:
    """Cross entropy of the bits read from the live weight, summed over bits, in float32.

    Args:
        weight: [out, in, ...]. projection: [T, M]. bits: [T] of 0 and 1.
    """
    with torch.autocast(weight.device.type, enabled=False):
        return F.binary_cross_entropy_with_logits(
            project(weight, projection, average), bits.to(weight.device).float(), reduction="sum"
        )


def draw_projection(bits: int, inputs: int, seed: int) -> Tensor:
    """X ~ N(0, 1), [bits, inputs], from a seed (the authors' `random`, the best of their three)."""
    return torch.randn(bits, inputs, generator=torch.Generator().manual_seed(seed))


def capacity(layer: nn.Module, average: str = "outputs") -> int:
    """M, the size of the mean filter."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    return weight.numel() // weight.shape[AXES[average]]
