"""Gaussian blur (after Hendrycks and Dietterich, ICLR 2019), as a baseline of the PST paper.

Idea: fine marks are high frequencies.
Threat model: the thief holds the weights and needs no data.
Functions: `shared.smooth`.
Symbols: images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__`.
Reported: CIFAR-10, accuracy / triggers: Perturbation .54 / .49, Patch .56 / 1.00, Content .63 / .33, OOD .66 / .16
(PST paper, Table 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_pst.front import QueryTime
from ownmark_pst.gaussian_blur.config import GaussianBlurConfig
from ownmark_pst.shared import smooth


class GaussianBlur(QueryTime):
    """Blurs every query."""

    config: GaussianBlurConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`smooth` with the attack's sigma; the image's border is mirrored, not darkened."""
        return smooth(x, self.config.sigma)
