"""Parameters of the scheme."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import Count, NonNegative, Positive, configuration
from ownmark.contracts import Recipe, overriding

EMBEDDING = Recipe(epochs=8, lr=0.01, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class GroupMeanConfig:
    """What is written, and how hard."""

    bits: Count = 64
    """Length of the message, drawn at random with the key."""
    strength: NonNegative = 20.0
    """Weight of the message's loss; 0 fine-tunes without a mark."""
    margin: Positive = 0.01
    """How far from zero the loss pushes each mean."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is fine-tuned."""
