"""SHIELD's stochastic local quantisation (Das et al., KDD 2018), as a baseline of the PST paper.

Idea: compress each block of a query at a quality of its own, so that nobody can plan for it.
Threat model: the thief holds the weights and needs no data.
Functions: `local_quantisation`; the coder is `jpeg.codec`.
Symbols: images [N, C, H, W] in [0, 1]; V versions.
Deviations: see the declaration in `__init__`.
Reported: CIFAR-10, accuracy / triggers: Perturbation .67 / .34, Patch .63 / 1.00, Content .64 / .88, OOD .66 / .11
(PST paper, Table 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ownmark_pst.front import QueryTime, uniform
from ownmark_pst.jpeg.codec import jpeg
from ownmark_pst.shared import BLOCK
from ownmark_pst.shield.config import ShieldConfig


def local_quantisation(
    x: Tensor, qualities: Sequence[int], rng: torch.Generator, subsample: bool = True
) -> Tensor:
    """Each 8 x 8 block from a version drawn at random, for each image anew; the last blocks may be cut off.

    Args:
        x: [N, C, H, W] in [0, 1]. Returns: the same shape.
    """
    count, _, height, width = x.shape
    versions = torch.stack([jpeg(x, quality, subsample) for quality in qualities])
    shape = (count, 1, -(-height // BLOCK), -(-width // BLOCK))
    chosen = (uniform(x, shape, rng) * len(qualities)).long()
    chosen = chosen.repeat_interleave(BLOCK, 2).repeat_interleave(BLOCK, 3)[..., :height, :width]
    return versions.gather(0, chosen.expand_as(x)[None])[0]


class Shield(QueryTime):
    """Compresses every block of every query at a random quality."""

    config: ShieldConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`local_quantisation` at the attack's qualities."""
        return local_quantisation(x, self.config.qualities, rng, self.config.subsample)
