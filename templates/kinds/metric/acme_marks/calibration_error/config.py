"""Parameters of the metric."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class CalibrationErrorConfig:
    """How it is measured."""

    bins: int = Field(default=10, ge=1, le=1000)
    """Intervals of confidence, of equal width."""
