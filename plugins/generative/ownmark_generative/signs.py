"""Messages in signs: the bits of a text, and the hinge that presses them into signs.

Symbols: T values whose signs carry bits, b [T] in {0, 1}.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts import Key
from ownmark.errors import NotApplicable


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


def bits_for(key: Key, count: int) -> Tensor:
    """The bits uint8 [count] that a network with so many places carries: the text over and over, plus the key's pad.

    Raises:
        NotApplicable: the pad is shorter.
    """
    pad = key["pad"].cpu()
    if count > len(pad):
        raise NotApplicable(f"the network has {count} places for a sign, the key is for {len(pad)} at most")
    return repeated(key.values["message"], count) ^ pad[:count]


def signs_of(bits: Tensor) -> Tensor:
    """Bits [T] as -1 and 1, float32."""
    return 2 * bits.float() - 1


def hinge(values: Tensor, signs: Tensor, margin: float) -> Tensor:
    """relu(margin - s_i v_i) for each value.

    Args:
        values: [..., T]. signs: [T] of -1 and 1. Returns: [..., T].
    """
    return F.relu(margin - values * signs.to(values))
