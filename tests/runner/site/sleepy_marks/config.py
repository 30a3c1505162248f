"""Parameters."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import NonNegative, configuration
from ownmark.contracts import Recipe


@configuration
class DotConfig:
    """Of the host."""

    recipe: Recipe = Field(default_factory=lambda: Recipe(epochs=1, batch_size=40, lr=0.1))
    """One step."""


@configuration
class NapConfig:
    """Of what sleeps."""

    seconds: NonNegative = 0.0
    """How long."""
    number: int = 0
    """Tells one from another."""
