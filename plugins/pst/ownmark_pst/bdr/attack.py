"""Bit-depth reduction (feature squeezing, Xu et al., NDSS 2018), as a baseline of the PST paper.

Idea: small perturbations vanish when grey levels are merged.
Threat model: the thief holds the weights and needs no data.
Functions: `reduced`.
Symbols: images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__`.
Reported: CIFAR-10, accuracy / triggers: Perturbation .45 / .36, Patch .47 / 1.00, Content .46 / .87, OOD .47 / .11
(PST paper, Table 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_pst.bdr.config import BitDepthConfig
from ownmark_pst.front import QueryTime


def reduced(x: Tensor, bits: int) -> Tensor:
    """The nearest of 2^bits equally spaced levels of [0, 1], 0 and 1 among them."""
    levels = float(2**bits - 1)
    return (x * levels).round() / levels


class BitDepth(QueryTime):
    """Rounds every query to few grey levels."""

    config: BitDepthConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`reduced` to the attack's bits."""
        return reduced(x, self.config.bits)
