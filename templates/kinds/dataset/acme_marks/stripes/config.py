"""Parameters of the dataset."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class StripesConfig:
    """How many images, how clear."""

    train: int = Field(default=800, ge=4, le=1_000_000)
    """Images to train on."""
    test: int = Field(default=200, ge=4, le=1_000_000)
    """Images to test on."""
    noise: float = Field(default=0.2, ge=0, le=1)
    """Share of noise in every pixel."""
