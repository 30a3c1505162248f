"""Parameters of the attack."""

from __future__ import annotations

from ownmark.config import NonNegative, configuration


@configuration
class WeightNoiseConfig:
    """How much noise."""

    amount: NonNegative = 0.1
    """Standard deviation of the noise, in standard deviations of the tensor it is added to."""
