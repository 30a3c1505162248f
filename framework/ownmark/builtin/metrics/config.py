"""Parameters of the metrics."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class RescaledConfig:
    """Parameters of `rescaled_accuracy`."""

    theta_prime: float = Field(default=0.5, ge=0, lt=1)
    """Value at the decision threshold (MIRA: 0.5)."""
