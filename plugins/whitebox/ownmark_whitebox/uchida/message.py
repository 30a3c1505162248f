"""Pure functions of Uchida's watermark: projections, the loss.

Symbols: T bits, M = in * kh * kw inputs of a filter, X [T, M] projection, w [M] mean filter, b [T] message.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mean_filter(weight: Tensor) -> Tensor:
    """Mean over output filters (authors' code): [out, in, kh, kw] or [out, in] -> [M]."""
    return weight.float().mean(0).flatten()


def project(weight: Tensor, projection: Tensor) -> Tensor:
    """X w, positive for a 1: [out, ...] and [T, M] -> [T]."""
    return projection.to(weight.device) @ mean_filter(weight)


def message_loss(weight: Tensor, projection: Tensor, bits: Tensor) -> Tensor:
    """Cross entropy of the bits read from the live weight, summed over bits, in float32.

    Args:
        weight: [out, ...] of M inputs. projection: [T, M]. bits: [T] of 0 and 1.
    """
    with torch.autocast(weight.device.type, enabled=False):
        return F.binary_cross_entropy_with_logits(
            project(weight, projection), bits.to(weight.device).float(), reduction="sum"
        )


def draw_projection(bits: int, inputs: int, seed: int) -> Tensor:
    """X ~ N(0, 1), [bits, inputs], from a seed (the authors' `random`, the best of their three)."""
    return torch.randn(bits, inputs, generator=torch.Generator().manual_seed(seed))


def capacity(layer: nn.Module) -> int:
    """M, the number of inputs of one filter."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    return weight[0].numel()
