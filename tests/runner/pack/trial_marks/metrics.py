"""A metric without a value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Undefined(Metric):
    """Not a number."""

    higher_is_better = True

    def update(self, *_: Any) -> None:
        """Take anything."""

    def compute(self) -> Tensor:
        """Nothing."""
        return torch.tensor(float("nan"))
