"""Pure functions of Uchida's watermark: text and bits, layers, projections, the loss.

Symbols: T bits, M = in * kh * kw inputs of a filter, X [T, M] projection, w [M] mean filter, b [T] message.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.errors import NotApplicable


def bits_of(text: str) -> Tensor:
    """UTF-8 bytes of `text`, most significant bit first: uint8 [8 * bytes] of 0 and 1.

    >>> bits_of("A").tolist()
    [0, 1, 0, 0, 0, 0, 0, 1]
    """
    return torch.tensor([int(bit) for byte in text.encode() for bit in f"{byte:08b}"], dtype=torch.uint8)


def text_of(bits: Tensor) -> str:
    """The inverse of `bits_of`; bytes that are no UTF-8 become U+FFFD, a partial last byte is dropped."""
    values = bits.cpu().int().tolist()
    whole = range(0, len(values) - len(values) % 8, 8)
    return bytes(int("".join(map(str, values[at : at + 8])), 2) for at in whole).decode(errors="replace")


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


def choose_layer(network: nn.Module, name: str, channels: int) -> str:
    """The layer called `name`, or by default the convolution with the most inputs that reads no image.

    Args:
        channels: of the image; convolutions with no more input channels than that are passed over.

    Raises:
        NotApplicable: no such layer.
    """
    layers = {n: m for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    known = ", ".join(layers) or "none"
    if name in layers:
        return name
    if name:
        raise NotApplicable(f"no convolution or linear layer {name!r}; there are: {known}")
    inner = [n for n, m in layers.items() if isinstance(m, nn.Conv2d) and m.in_channels > channels]
    if not inner:
        raise NotApplicable(
            f"no convolution with more than {channels} input channels; name a layer of: {known}"
        )
    chosen: str = max(inner, key=lambda n: capacity(layers[n]))
    return chosen
