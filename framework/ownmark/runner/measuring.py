"""Metrics of networks as JSON-ready values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ownmark.foreign import shown
from ownmark.methods import Need
from ownmark.runner.resolve import Method
from ownmark.stats import (
    clopper_pearson,
)


def measured(metric: Method, feeds: Mapping[Need, Any]) -> dict[str, Any]:
    """Value of a metric, with n and a 95 % interval where it is a proportion.

    Args:
        feeds: makes the arguments of `update`, by what the metric's declaration needs.
    """
    counter = metric.instance
    counter.reset()
    need = next(need for need in feeds if metric.needs(need))
    counter.update(*(part.cpu() if isinstance(part, Tensor) else part for part in feeds[need]()))
    value = _one_number(counter.compute(), metric.declaration.id)
    found: dict[str, Any] = {"value": number(value), "higher_is_better": counter.higher_is_better}
    if hasattr(counter, "hits"):
        hits, n = int(counter.hits), int(counter.total)
        found |= {"hits": hits, "n": n, "interval": interval(hits, n)}
    return found


def _one_number(value: Any, metric: str) -> float:
    """What `compute` of a metric gives.

    Raises:
        TypeError: it is no number, or several.
    """
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        several = (
            f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else shown(repr(value), 60)
        )
        raise TypeError(f"metric {metric}: compute gives {several}; return one number") from error


def measured_if_fed(metric: Method, feeds: Mapping[Need, Any]) -> dict[str, Any]:
    """As `measured`; no value for a metric of evidence where none could be read."""
    if any(metric.needs(need) for need in feeds):
        return measured(metric, feeds)
    return {"value": None, "higher_is_better": metric.instance.higher_is_better}


def interval(hits: int, n: int) -> list[float]:
    """95 % Clopper-Pearson interval of a proportion, as a JSON-ready pair."""
    if n == 0:
        return [0.0, 1.0]
    bounds = clopper_pearson(hits, n)
    return [bounds.low, bounds.high]


def number(value: float | str) -> float | str | None:
    """A value for JSON: None for what is no number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
