"""Signatures: text and bits, one-time pad, and the loss that presses bits into the signs of scales.

Symbols: T channels with a passport in all, b [T] the signature in {0, 1}, pad [T] random bits of the key.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.errors import NotApplicable

DECAY = 1e-5
"""Weight of the squared scales in the sign loss (authors' code)."""


def bits_of(text: str) -> Tensor:
    """UTF-8 bytes of `text`, most significant bit first: uint8 [8 * bytes].

    >>> bits_of("A").tolist()
    [0, 1, 0, 0, 0, 0, 0, 1]
    """
    return torch.tensor([int(bit) for byte in text.encode() for bit in f"{byte:08b}"], dtype=torch.uint8)


def text_of(bits: Tensor) -> str:
    """The inverse of `bits_of`; bytes that are no UTF-8 become U+FFFD, a partial last byte is dropped."""
    values = bits.cpu().int().tolist()
    whole = range(0, len(values) - len(values) % 8, 8)
    return bytes(int("".join(map(str, values[at : at + 8])), 2) for at in whole).decode(errors="replace")


def sealed(text: str, pad: Tensor) -> Tensor:
    """The signature: the text's bits, zeros after them, all xor `pad`.

    Passport scales of one layer are correlated, so bare text would not match an unmarked network like fair coins;
    under a pad drawn without that network it does, exactly.

    Args:
        pad: uint8 [T]. Returns: uint8 [T].

    Raises:
        NotApplicable: more bits than channels.
    """
    bits = bits_of(text)
    if len(bits) > len(pad):
        raise NotApplicable(
            f"{len(bits)} bits do not fit into {len(pad)} channels with passports; shorten the message, "
            "name more layers, or widen the host"
        )
    return F.pad(bits, (0, len(pad) - len(bits))) ^ pad


def unsealed(read: Tensor, pad: Tensor, text: str) -> str:
    """The text in `read` [T], as long as `text`."""
    return text_of((read.to(torch.uint8) ^ pad.to(read.device))[: len(bits_of(text))])


def sign_loss(scale: Tensor, bits: Tensor, alpha: float, margin: float) -> Tensor:
    """alpha * sum relu(margin - s_i scale_i) + 1e-5 * sum scale_i^2, s_i = 2 b_i - 1.

    Args:
        scale: [T]. bits: [T] of 0 and 1.
    """
    signs = 2 * bits.to(scale) - 1
    return alpha * F.relu(margin - signs * scale).sum() + DECAY * scale.square().sum()
