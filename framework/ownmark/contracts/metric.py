"""Metrics: quantities of a record.

A metric is a `torchmetrics.Metric` class whose `higher_is_better` says its direction. Its declaration's `needs` say
what `update` is given (see `ownmark.methods.Need`): the runner feeds it, the metric only counts. Parameters reach it
as keyword arguments of the constructor. Predictions are logits float32 [N, classes], on the CPU: a metric that wants
probabilities takes the softmax itself. torchmetrics takes seconds to import, so this module only names the shape.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class Metric(Protocol):
    """The part of `torchmetrics.Metric` that the runner uses."""

    higher_is_better: bool | None

    def update(self, *args: Any) -> None:
        """Take what the declaration's `needs` name."""
        ...

    def compute(self) -> Tensor:
        """The value, a scalar."""
        ...
