"""The pattern of non-transferable learning, and batches with both kinds of images."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.contracts import Batch, Samples, Transform
from ownmark_triggers.stamps import stamp


def grid(shape: tuple[int, int, int]) -> Tensor:
    """1 in channel 0 where row or column is even, 0 elsewhere: [C, H, W]."""
    height, width = shape[1:]
    even = (torch.arange(height)[:, None] % 2 == 0) | (torch.arange(width)[None, :] % 2 == 0)
    places = torch.zeros(shape)
    places[0] = even.float()
    return places


def signed_grids(count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Grids with random signs, [count, C, H, W]: -1, 0 and 1."""
    signs = torch.randint(2, (count, *shape), generator=rng, device=rng.device)
    return (2.0 * signs - 1) * grid(shape).to(signs.device)


def two_streams(pattern: Tensor, strength: float, decoys: float) -> Transform:
    """A batch transform: the clean rows, some of them with decoy patterns, followed by all of them patched.

    Args:
        pattern: what is added, [C, H, W]. strength: of a decoy. decoys: share of clean rows with one.
    """

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        patched = Samples(stamp(batch.x, pattern), batch.labels)
        if decoys == 0:
            return batch.append(patched)
        count, shape = len(batch.x), (batch.x.shape[1], batch.x.shape[2], batch.x.shape[3])
        chosen = torch.rand((count, 1, 1, 1), generator=rng, device=rng.device) < decoys
        others = strength * signed_grids(count, shape, rng)
        return batch.with_images(stamp(batch.x, chosen * others)).append(patched)

    return append
