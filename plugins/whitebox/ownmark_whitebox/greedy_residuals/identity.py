"""The owner's signature and the bits that come of it.

Anybody can check a claim: `verify_signature(public_key, assertion, signature)` holds, and the bits read from the
suspect are `bits_from(signature)`. Only the holder of the private key can make such a signature beforehand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from torch import Tensor

from ownmark_whitebox.greedy_residuals.primes import rsa_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


def private_key(kind: str, size: int, draw: Callable[[int], bytes]) -> PrivateKey:
    """A key that follows from what `draw(count)` gives in bytes.

    Args:
        kind: `rsa` or `ed25519`. size: bits of an RSA modulus.
    """
    return Ed25519PrivateKey.from_private_bytes(draw(32)) if kind == "ed25519" else rsa_key(size, draw)


def pem_texts(key: PrivateKey) -> tuple[str, str]:
    """The private key and its public half."""
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), public.decode()


def sign(key: PrivateKey, assertion: str) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256 (authors' code), as long as the modulus; or the 64 bytes of Ed25519."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(assertion.encode())
    return key.sign(assertion.encode(), PKCS1v15(), SHA256())


def verify_signature(public_key: str, assertion: str, signature: bytes) -> bool:
    """Whether the holder of the private key signed the assertion.

    Args:
        public_key: PEM text of an RSA or Ed25519 key; anything else verifies nothing.
    """
    try:
        public = load_pem_public_key(public_key.encode())
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, assertion.encode())
        elif isinstance(public, RSAPublicKey):
            public.verify(signature, assertion.encode(), PKCS1v15(), SHA256())
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def bits_from(signature: bytes, count: int = 256) -> Tensor:
    """The first bits of SHA-256(signature), most significant bit of each byte first: uint8 [count]."""
    digest = hashlib.sha256(signature).digest()
    return torch.tensor([int(bit) for byte in digest for bit in f"{byte:08b}"][:count], dtype=torch.uint8)
