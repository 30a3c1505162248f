"""Parameters of feature distillation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, configuration


@configuration
class FeatureDistillationConfig:
    """The coder and its table."""

    form: Literal["authors", "two-level"] = "authors"
    """`authors`: their published code, which quantises each colour channel by itself, with `fine` for the 4 x 4 lowest
    frequencies and `step` for the others; `two-level`: a JPEG coder in luma and chroma that keeps frequencies up to
    `low` to the grey level, as a public port has it."""
    step: Count | None = None
    """Quantisation step of the high frequencies in grey levels (`two-level`: less one); more destroys more. None is the
    authors' 30, or the port's 40."""
    fine: Count = 25
    """Step of the authors' low frequencies (25)."""
    low: int = Field(default=4, ge=0, le=14)
    """`two-level`: frequencies whose row and column add up to this at most are kept (4: 15 of 64)."""
