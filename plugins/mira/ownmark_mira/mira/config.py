"""Parameters of MIRA."""

from __future__ import annotations

from ownmark.config import configuration
from ownmark_mira.config import ObjectiveConfig, RecoveryConfig, SoftConfig


@configuration
class MiraConfig(ObjectiveConfig, SoftConfig, RecoveryConfig):
    """Recovery, detection, split and unlearning."""
