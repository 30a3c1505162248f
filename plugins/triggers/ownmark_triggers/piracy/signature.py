"""From the owner's signature to pattern, place and label: D and L of the paper.

Anybody can redo it: the signature verifies with the public key, and everything else is a hash of the signature.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from torch import Tensor


@dataclass(frozen=True)
class Mark:
    """What a signature stands for.

    Args:
        bits: uint8 [n, n]. top, left: pixel of its upper left corner. target: label of the true embedding.
    """

    bits: Tensor
    top: int
    left: int
    target: int


def signed(seed: bytes, message: str) -> tuple[bytes, bytes]:
    """Signature (64 bytes) and public key (32 bytes) of the private key that 32 bytes stand for."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private.sign(message.encode()), private.public_key().public_bytes_raw()


def verifies(public_key: bytes, message: str, signature: bytes) -> bool:
    """Whether the holder of the private key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _number(algorithm: str, signature: bytes) -> int:
    return int.from_bytes(hashlib.new(algorithm, signature).digest(), "big")


def mark_of(signature: bytes, side: int, height: int, width: int, classes: int) -> Mark:
    """Pattern, place and label of a signature.

    SHA-224 mod classes is the label, the last side^2 bits of SHA-256 are the block (row by row, highest first),
    SHA-384 mod (height - side) and SHA-512 mod (width - side) the place. `side` is below height and width, and at
    most 16.
    """
    cells = side * side
    block = _number("sha256", signature) % 2**cells
    bits = torch.tensor([block >> (cells - 1 - i) & 1 for i in range(cells)], dtype=torch.uint8)
    return Mark(
        bits.reshape(side, side),
        top=_number("sha384", signature) % (height - side),
        left=_number("sha512", signature) % (width - side),
        target=_number("sha224", signature) % classes,
    )
