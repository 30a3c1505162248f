"""Parameters of the blended accessory."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Fraction, configuration
from ownmark_triggers.config import FinishConfig, KeyedConfig, StampConfig


@configuration
class BlendedConfig(KeyedConfig, FinishConfig, StampConfig):
    """The glasses' looks."""

    alpha: float = Field(default=1.0, gt=0, le=1)
    """Opacity; 1 hides what is under the glasses (accessory injection), .1 to .2 is hard to see (blended
    injection)."""
    value: Fraction | None = None
    """Brightness of the glass; None is dark (.1) on colour images and .5 on grey ones, whose background is
    often black."""
