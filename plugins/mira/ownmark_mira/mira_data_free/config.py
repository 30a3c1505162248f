"""Parameters of data-free MIRA."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_mira.config import DATA_FREE, RecoveryConfig, UnlearningConfig


@configuration
class MiraDataFreeConfig(UnlearningConfig, RecoveryConfig):
    """Recovery, detection, split and unlearning."""

    recipe: Annotated[Recipe, overriding(DATA_FREE)] = DATA_FREE
    """The unlearning over the recovered pictures; rate .003 (section 6.1)."""
