"""Parameters of the noise scheme."""

from __future__ import annotations

from ownmark.config import Positive, configuration
from ownmark_triggers.config import KeyedConfig, StampConfig


@configuration
class NoiseConfig(KeyedConfig, StampConfig):
    """The noise."""

    sd: Positive | None = None
    """Standard deviation of the pattern, pixels being in [0, 1]. None takes .1 from 32 pixels on (APP paper),
    .2 from 16 and .25 below, as fewer pixels must carry the mark."""
