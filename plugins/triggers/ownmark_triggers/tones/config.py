"""Parameters of the tones scheme."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Fraction, configuration
from ownmark_triggers.backdoors import BackdoorConfig

Height = Annotated[float, Field(ge=0, lt=1)]


@configuration
class TonesConfig(BackdoorConfig):
    """The tones, and what they do to labels."""

    rows: tuple[Height, ...] = Field(default=(0.2, 0.5, 0.8), min_length=1, max_length=64)
    """Where the tones lie, as shares of the height; one row of pixels each."""
    value: Fraction = 1.0
    """Their brightness."""
