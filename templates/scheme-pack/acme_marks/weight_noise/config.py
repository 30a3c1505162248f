"""Parameters of the attack."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class WeightNoiseConfig:
    """How much noise."""

    amount: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise, in standard deviations of the tensor it is added to."""
