"""Parameters of distraction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import MOST, NonNegative, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Need

LEARN = Recipe(epochs=10, batch_size=64, lr=0.01, schedule="cosine", augment="none")
"""Ours: the abstract gives none."""


@configuration
class DistractConfig:
    """Lures, anchors, and how much each weighs."""

    lures: Whole = 100
    """Images that are given the new label; 0 leaves plain distillation into the stolen network itself."""
    source: Literal["auto", "transfer", "scrambled"] = "auto"
    """Lures are transfer images where both kinds are granted (`transfer`), or anchors whose blocks change places
    (`scrambled`); `auto` takes transfer images where the plan grants data besides."""
    blocks: int = Field(default=4, ge=2, le=MOST)
    """Blocks a side of a scrambled image."""
    weight: NonNegative = 1.0
    """Weight of the lures' loss beside the anchors'."""
    preserve: NonNegative = 0.0
    """Weight of mean squared movement of the weights, against forgetting the task."""
    recipe: Annotated[Recipe, overriding(LEARN)] = LEARN
    """Training."""

    def needs(self) -> frozenset[Need]:
        """Transfer images, where lures are to be taken from them."""
        return frozenset({Need.TRANSFER} if self.source == "transfer" else ())
