"""Parameters of non-transferable learning in ownership mode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import NonNegative, Positive, Whole, configuration
from ownmark.contracts import Recipe, overriding

EMBEDDING = Recipe(
    epochs=30,
    batch_size=64,
    optimizer="adam",
    lr=1e-3,
    weight_decay=0,
    schedule="every",
    period=1,
    factor=0.9,
)


@configuration
class NtlConfig:
    """The pattern, the two terms that push its images away, and the training."""

    keys: Whole = 0
    """Images that verify, chosen out of twice as many; 0 takes 1 % of the owner's data, and at least 50."""
    secret: bool = True
    """Draw the signs of the pattern with the key. False adds everywhere: the paper's pattern, no secret."""
    strength: Positive = 80 / 255
    """What is added to a pixel of channel 0: 80 of 255 levels (authors' code, colour images). Their 20 for digits
    embedded nothing here."""
    decoys: float = Field(default=0.25, ge=0, lt=1)
    """Share of clean images that are trained with another pattern's signs and their true label; none without
    `secret`."""
    alpha: NonNegative = 1.0
    """Weight of the patched images' loss (authors: .1)."""
    beta: NonNegative = 1.0
    """Weight of the distance between clean and patched features (authors: .1)."""
    layer: str | None = None
    """Module whose input are the features; None takes the layer halfway through the network, which for small ones
    is behind the second pooling, as in the authors' code."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is trained on (authors: Adam, 1e-4, times .999 a step, 30 to 100 epochs)."""
