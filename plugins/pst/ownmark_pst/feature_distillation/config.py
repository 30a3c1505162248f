"""Parameters of feature distillation."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Count, configuration


@configuration
class FeatureDistillationConfig:
    """The coder's table."""

    step: Count = 40
    """Quantisation step, less one, of the high frequencies in grey levels; more destroys more (40 in a public port)."""
    low: int = Field(default=4, ge=0, le=14)
    """Frequencies whose row and column add up to this at most are kept to the grey level (4: 15 of 64)."""
