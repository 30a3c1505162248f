"""Null and true embedding of a mark, on images and in training batches."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.contracts import Batch, Samples, Transform
from ownmark_triggers.piracy.signature import Mark


def embedded(x: Tensor, mark: Mark, strength: float, *, null: bool, clip: bool) -> Tensor:
    """Images with the mark's block written over them, in all channels.

    Args:
        x: [N, C, H, W]. strength: lambda. clip: cut the pattern off at 0 and 1.
        null: a bit 1 becomes lambda and 0 becomes -lambda; else (true embedding) the other way round.
    """
    signs = 2.0 * mark.bits.to(x) - 1
    block = (signs if null else -signs) * strength
    side = len(mark.bits)
    written = x.clone()
    written[:, :, mark.top : mark.top + side, mark.left : mark.left + side] = (
        block.clamp(0, 1) if clip else block
    )
    return written


def dual_embedding(mark: Mark, strength: float, share: float, clip: bool) -> Transform:
    """A batch transform that appends null embeddings with their true labels and true ones with the mark's.

    Args:
        share: of the resulting batch that either kind makes up. Carriers are drawn anew from every batch.
    """

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        count = max(1, round(share / (1 - 2 * share) * len(batch.x)))
        drawn = torch.randint(len(batch.x), (2, count), generator=rng, device=rng.device).to(batch.x.device)
        null = embedded(batch.x[drawn[0]], mark, strength, null=True, clip=clip)
        true = embedded(batch.x[drawn[1]], mark, strength, null=False, clip=clip)
        labels = batch.labels[drawn[0]]
        decided = torch.full_like(labels, mark.target)
        return batch.append(Samples(torch.cat([null, true]), torch.cat([labels, decided])))

    return append
