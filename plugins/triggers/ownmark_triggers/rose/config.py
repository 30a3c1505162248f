"""Parameters of the ROSE scheme."""

from __future__ import annotations

from ownmark.config import Count, Whole, configuration
from ownmark_triggers.config import FinishConfig, TriggerConfig


@configuration
class RoseConfig(FinishConfig, TriggerConfig):
    """How many training images get a label from the hash."""

    keys: Whole = 40
    """Number of key images (40, 64 and 128 in the paper, for hashes of 160, 256 and 512 bits);
    0 takes `share` of the owner's data, and at least 50."""
    repeats: Count = 1
    """How often an epoch shows each key image; 1 in the paper, whose networks know 82 to 97 % of them. From 5 on
    small sets know them all."""
