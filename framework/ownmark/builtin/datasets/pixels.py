"""Pure functions from stored pixels and labels to samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts.pixels import Pixels
from ownmark.contracts.samples import Samples

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


def decode(coded: Bytes) -> Bytes:
    """RGB images [N, H, W, 3] from planes G, R - G, B - G [N, 3, H, W] differenced along x, then y, mod 256."""
    rows = np.cumsum(coded, axis=2, dtype=np.uint8)
    planes = np.cumsum(rows, axis=3, dtype=np.uint8)
    planes[:, 1:] += planes[:, :1]
    return np.ascontiguousarray(planes[:, [1, 0, 2]].transpose(0, 2, 3, 1))


def first_balanced(labels: npt.NDArray[Any], n: int | None) -> npt.NDArray[np.intp]:
    """Positions, ascending, of the first `n` of `labels` [N] taken class by class in turn; all for None.

    Class counts differ by one at most, as long as each class has enough.
    """
    if n is None or n >= len(labels):
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    rank = np.empty(len(labels), dtype=np.intp)
    rank[order] = np.arange(len(labels)) - np.searchsorted(ordered, ordered)
    return np.sort(np.lexsort((labels, rank))[:n])


def planes(images: Bytes) -> Bytes:
    """A view [N, C, H, W] of images [N, H, W] or [N, H, W, C]."""
    stack: Bytes = images[..., None] if images.ndim == 3 else images
    view: Bytes = stack.transpose(0, 3, 1, 2)
    return view


def enlarge(x: Tensor, size: int) -> Tensor:
    """`x` [N, C, H, W] resized bicubically to [N, C, size, size], clamped to [0, 1]."""
    if x.shape[-2:] == (size, size):
        return x
    return F.interpolate(x, size=(size, size), mode="bicubic", align_corners=False).clamp_(0, 1)


def samples(images: Bytes, labels: npt.NDArray[Any], limit: int | None) -> Samples:
    """The first `limit` images, balanced (see `first_balanced`), as samples of bytes.

    Memory-mapped images stay in their file; others are copied.
    """
    chosen = first_balanced(labels, limit)
    y = torch.from_numpy(labels[chosen].astype(np.int64))
    if isinstance(images, np.memmap):
        return Samples(Pixels.in_file(torch.from_numpy(planes(images))).take(torch.from_numpy(chosen)), y)
    return Samples(torch.from_numpy(np.ascontiguousarray(planes(images[chosen]))), y)
