"""JPEG in front of the network (an input attack of the SoK).

Idea: compression drops what eyes do not see, small perturbations first.
Threat model: the thief holds the weights and needs no data.
Functions: `codec.jpeg`.
Symbols: images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_pst.front import QueryTime
from ownmark_pst.jpeg.codec import jpeg
from ownmark_pst.jpeg.config import JpegConfig


class Jpeg(QueryTime):
    """Compresses every query."""

    config: JpegConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`jpeg` at the attack's quality."""
        return jpeg(x, self.config.quality, self.config.subsample)
