"""Feature distillation (Liu et al., CVPR 2019), as a baseline of the PST paper.

Idea: compress as a network sees, not as eyes do: keep the low frequencies whole and crush all others.
Threat model: the thief holds the weights and needs no data.
Functions: `filtered` with `authors_table` is the authors' code; `distilled` with `table` one pass of a JPEG coder
(`jpeg.codec`).
Symbols: images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__`.
Reported: CIFAR-10, accuracy / triggers: Perturbation .57 / .61, Patch .58 / 1.00, Content .56 / .70, OOD .55 / .15
(PST paper, Table 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark_pst.feature_distillation.config import FeatureDistillationConfig
from ownmark_pst.front import QueryTime
from ownmark_pst.jpeg.codec import coded
from ownmark_pst.shared import quantised

CORNER = 4
"""Side of the authors' square of low frequencies."""
STEP = {"authors": 30, "two-level": 40}
"""Default step of the high frequencies."""


def authors_table(step: int, fine: int) -> Tensor:
    """The authors' quantisation steps [8, 8]: `fine` in the 4 x 4 corner of low frequencies, `step` elsewhere."""
    frequency = torch.arange(8)
    return torch.where((frequency[:, None] < CORNER) & (frequency < CORNER), fine, step)


def table(step: int, low: int) -> Tensor:
    """Quantisation steps [8, 8]: 1 where row + column <= low, step + 1 elsewhere."""
    frequency = torch.arange(8)
    return torch.where(frequency[:, None] + frequency <= low, 1, step + 1)


def filtered(x: Tensor, step: int, fine: int) -> Tensor:
    """The authors' code: the blocks of each channel quantised, without shift or rounding. x: [N, C, H, W] in [0, 1]."""
    return (quantised(x * 255, authors_table(step, fine)) / 255).clamp(0, 1)


def distilled(x: Tensor, step: int, low: int) -> Tensor:
    """One pass of the coder, the same table for luma and chroma. x: [N, C, H, W] in [0, 1]."""
    steps = table(step, low)
    return coded(x, steps, steps)


class FeatureDistillation(QueryTime):
    """Passes every query through the coder."""

    config: FeatureDistillationConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """`filtered` or `distilled`, with the attack's table."""
        config = self.config
        if config.form == "authors":
            return filtered(x, STEP["authors"] if config.step is None else config.step, config.fine)
        return distilled(x, STEP["two-level"] if config.step is None else config.step, config.low)
