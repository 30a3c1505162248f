"""Labels that follow from key images and a secret, so that nobody can choose images to fit a network."""

from __future__ import annotations

import hmac

import torch
from torch import Tensor

from ownmark_triggers.keyed import integers


def digest(x: Tensor, secret: bytes) -> bytes:
    """HMAC-SHA256 with the secret over shape and raw pixels (little-endian float32) of all images: 32 bytes.

    Args:
        x: [N, C, H, W]. Every pixel of every image counts, and so does their order.
    """
    shape = b"".join(size.to_bytes(4, "big") for size in x.shape)
    pixels = x.detach().cpu().contiguous().numpy().astype("<f4").tobytes()
    return hmac.digest(secret, shape + pixels, "sha256")


def hashed_labels(x: Tensor, secret: bytes, classes: int) -> Tensor:
    """int64 [N]: independent and uniform over the classes for whoever does not know the secret.

    The digest is the key of a second HMAC that counts, and words that would favour some classes are rejected; the
    paper cuts four-bit blocks out of the hash and takes them modulo the classes.
    """
    return torch.tensor(integers(digest(x, secret), b"labels", classes, len(x)))
