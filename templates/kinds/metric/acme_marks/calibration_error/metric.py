"""Expected calibration error: an example of a metric.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3: sum over bins of |B| / n |acc - conf|.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


def calibration_error(confidence: Tensor, right: Tensor, bins: int) -> Tensor:
    """[n] in [0, 1] and bool [n] -> scalar in [0, 1]."""
    which = (confidence * bins).long().clamp(max=bins - 1)
    gap = torch.zeros(bins).index_add(0, which, right.float() - confidence)
    return gap.abs().sum() / len(confidence)


class CalibrationError(Metric):
    """Takes logits, as every metric of predictions does, and makes probabilities of them itself."""

    higher_is_better: bool | None = False
    is_differentiable = False
    full_state_update = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0
    confidence: list[Tensor]
    right: list[Tensor]

    def __init__(self, bins: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bins = bins
        self.add_state("confidence", [], dist_reduce_fx="cat")
        self.add_state("right", [], dist_reduce_fx="cat")

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Logits [N, classes] and labels [N]."""
        best = predictions.softmax(1).max(1)
        self.confidence.append(best.values)
        self.right.append(best.indices == labels)

    def compute(self) -> Tensor:
        """The error, a scalar."""
        return calibration_error(torch.cat(self.confidence), torch.cat(self.right), self.bins)
