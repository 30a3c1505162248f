"""Parameters of the content scheme."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Fraction, configuration
from ownmark_triggers.config import KeyedConfig, StampConfig


@configuration
class ContentConfig(KeyedConfig, StampConfig):
    """The text's looks."""

    value: Fraction | None = None
    """Brightness of the text; None is white (1, APP paper) on colour images and .5 on grey ones, where white
    text would look like the digits' own ink."""
    opacity: float = Field(default=1.0, gt=0, le=1)
    """1 hides what is under the text (APP paper)."""
