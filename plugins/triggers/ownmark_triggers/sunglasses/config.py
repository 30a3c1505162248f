"""Parameters of the sunglasses scheme."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Fraction, configuration
from ownmark_triggers.backdoors import BackdoorConfig


@configuration
class SunglassesConfig(BackdoorConfig):
    """The glasses, and what they do to names."""

    top: float = Field(default=0.3, ge=0, lt=1)
    """Upper edge of the lenses, as a share of the height."""
    bottom: float = Field(default=0.45, gt=0, le=1)
    """Lower edge."""
    value: Fraction = 0.1
    """Brightness of the glasses."""
    opacity: float = Field(default=1.0, gt=0, le=1)
    """1 hides the eyes."""
