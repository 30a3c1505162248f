"""Structural similarity of small pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.image import structural_similarity_index_measure

AT_MOST = 200
"""Pictures of each kind that the metric compares, every one with every one."""


def similarity(x: Tensor, y: Tensor) -> Tensor:
    """SSIM of each pair of pictures [N, C, H, W] in [0, 1]: [N]; square windows of at most 7 pixels, differentiable."""
    window = min(7, (min(x.shape[2:]) - 1) | 1)
    found = structural_similarity_index_measure(
        x, y, gaussian_kernel=False, kernel_size=window, data_range=1.0, reduction="none"
    )
    assert isinstance(found, Tensor)
    return found


class NearestSSIM(Metric):
    """Mean, over made pictures, of the SSIM with the real one that is most like it."""

    higher_is_better = True
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, made: Tensor, real: Tensor) -> None:
        """Pictures [N, C, H, W]; of each kind the first 200 count."""
        real = real[:AT_MOST]
        for picture in made[:AT_MOST]:
            self.total += similarity(picture.expand_as(real), real).max()
            self.count += 1

    def compute(self) -> Tensor:
        """The mean."""
        return self.total / self.count
