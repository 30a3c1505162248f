"""The owner's signature and the bits that come of it.

Anybody can check a claim: `verify_signature(public_key, assertion, signature)` holds, and the bits read from the
suspect are `bits_from(signature)`. Only the holder of the private key can make such a signature beforehand.
"""

from __future__ import annotations

import hashlib

import torch
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from torch import Tensor


def key_pair(seed: bytes) -> tuple[Ed25519PrivateKey, str, str]:
    """The private key that 32 bytes stand for, with its PEM text and that of its public key."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, secret.decode(), public.decode()


def verify_signature(public_key: str, assertion: str, signature: bytes) -> bool:
    """Whether the holder of the private key signed the assertion.

    Args:
        public_key: PEM text of an Ed25519 key; anything else verifies nothing. signature: 64 bytes.
    """
    try:
        public = load_pem_public_key(public_key.encode())
        if not isinstance(public, Ed25519PublicKey):
            return False
        public.verify(signature, assertion.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def bits_from(signature: bytes, count: int = 256) -> Tensor:
    """The first bits of SHA-256(signature), most significant bit of each byte first: uint8 [count]."""
    digest = hashlib.sha256(signature).digest()
    return torch.tensor([int(bit) for byte in digest for bit in f"{byte:08b}"][:count], dtype=torch.uint8)
