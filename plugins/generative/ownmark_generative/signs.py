"""Messages in signs: the bits of a text, and the hinge that presses them into signs.

Symbols: T values whose signs carry bits, b [T] in {0, 1}.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def bits_of(text: str) -> Tensor:
    """UTF-8 bytes of `text`, most significant bit first: uint8 [8 * bytes].

    >>> bits_of("A").tolist()
    [0, 1, 0, 0, 0, 0, 0, 1]
    """
    return torch.tensor([int(bit) for byte in text.encode() for bit in f"{byte:08b}"], dtype=torch.uint8)


def repeated(text: str, count: int) -> Tensor:
    """The text's bits, over and over or cut off: uint8 [count]; zeros for an empty text."""
    bits = bits_of(text) if text else torch.zeros(1, dtype=torch.uint8)
    return bits.repeat(-(-count // len(bits)))[:count]


def signs_of(bits: Tensor) -> Tensor:
    """Bits [T] as -1 and 1, float32."""
    return 2 * bits.float() - 1


def hinge(values: Tensor, signs: Tensor, margin: float) -> Tensor:
    """relu(margin - s_i v_i) for each value.

    Args:
        values: [..., T]. signs: [T] of -1 and 1. Returns: [..., T].
    """
    return F.relu(margin - values * signs.to(values))
