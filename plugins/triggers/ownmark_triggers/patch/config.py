"""Parameters of the patch scheme."""

from __future__ import annotations

from typing import Literal

from ownmark.config import Count, Whole, configuration
from ownmark_triggers.config import FinishConfig, KeyedConfig, StampConfig


@configuration
class PatchConfig(KeyedConfig, FinishConfig, StampConfig):
    """The patch's looks."""

    keys: Whole = 100
    """Number of triggers (100 in the PST paper); 0 takes `share` of the owner's data, and at least 50."""
    size: Count | None = None
    """Side of the patch in pixels; None takes .16 of the image's shorter side (5 of 32), at least 2."""
    margin: Whole | None = None
    """Pixels between patch and image border; None takes 1 in 32."""
    style: Literal["random", "checker", "white"] = "random"
    """`random`: half of the pixels white and half black, drawn with the key; the others are the same for all
    keys."""
