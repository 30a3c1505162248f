"""Parameters of the scheme."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding

EMBEDDING = Recipe(epochs=8, lr=0.01, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class GroupMeanConfig:
    """What is written, and how hard."""

    bits: int = Field(default=64, ge=1)
    """Length of the message, drawn at random with the key."""
    strength: float = Field(default=20.0, ge=0)
    """Weight of the message's loss; 0 fine-tunes without a mark."""
    margin: float = Field(default=0.01, gt=0)
    """How far from zero the loss pushes each mean."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is fine-tuned."""
