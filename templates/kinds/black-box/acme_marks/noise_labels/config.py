"""Parameters of the scheme."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class NoiseLabelsConfig:
    """How many triggers."""

    triggers: int = Field(default=20, ge=1, le=10_000)
    """Images of noise, each with a random label of its own."""
