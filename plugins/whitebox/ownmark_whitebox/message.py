"""Messages: text, and the bits that stand for it."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_whitebox.config import MessageConfig


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


def draw_message(config: MessageConfig, rng: torch.Generator) -> tuple[Tensor, str]:
    """The bits to embed, uint8 [T] on the CPU, and the text they stand for (empty for random bits)."""
    if config.bits is None:
        return bits_of(config.message), config.message
    bits = torch.randint(2, (config.bits,), generator=rng, device=rng.device)
    return bits.to("cpu", torch.uint8), ""
