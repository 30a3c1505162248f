"""Choices that follow from a secret: positions, permutations, labels. HMAC-SHA256, no torch generator.

The same secret gives the same choices on every machine and with every version of torch, so whoever is shown the
secret can repeat them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

import torch
from torch import Tensor

SECRET_BYTES = 32
"""Length of a drawn secret."""
_WORD = 2**32


def draw_secret(rng: torch.Generator) -> Tensor:
    """A secret, uint8 [32]; as hard to guess as the state of `rng`, no harder."""
    return torch.randint(256, (SECRET_BYTES,), generator=rng, device=rng.device).to(torch.uint8)


def secret_bytes(secret: Tensor) -> bytes:
    """A secret tensor uint8 [n] as bytes."""
    return bytes(secret.cpu().tolist())


def _words(secret: bytes, purpose: bytes) -> Iterator[int]:
    """32-bit words: the blocks HMAC(secret, purpose || counter), eight words each."""
    counter = 0
    while True:
        block = hmac.digest(secret, purpose + counter.to_bytes(8, "big"), "sha256")
        yield from (int.from_bytes(block[i : i + 4], "big") for i in range(0, 32, 4))
        counter += 1


def _below(words: Iterator[int], bound: int) -> int:
    """The next uniform integer in 0 .. bound - 1; words that would favour small ones are skipped."""
    limit = _WORD - _WORD % bound
    return next(word for word in words if word < limit) % bound


def integers(secret: bytes, purpose: bytes, bound: int, count: int) -> list[int]:
    """`count` independent uniform integers in 0 .. bound - 1 (at most 2^32)."""
    words = _words(secret, purpose)
    return [_below(words, bound) for _ in range(count)]


def _shuffled(words: Iterator[int], size: int) -> list[int]:
    items = list(range(size))
    for last in range(size - 1, 0, -1):
        other = _below(words, last + 1)
        items[last], items[other] = items[other], items[last]
    return items


def permutation(secret: bytes, purpose: bytes, size: int) -> list[int]:
    """0 .. size - 1 in uniform random order (Fisher-Yates)."""
    return _shuffled(_words(secret, purpose), size)


def derangement(secret: bytes, purpose: bytes, size: int) -> list[int]:
    """A uniform permutation that moves every element; about every third permutation is one.

    Raises:
        ValueError: fewer than two elements.
    """
    if size < 2:
        raise ValueError(f"{size} elements cannot all move")
    words = _words(secret, purpose)
    while True:
        items = _shuffled(words, size)
        if all(place != item for place, item in enumerate(items)):
            return items
