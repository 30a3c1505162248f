"""Parameters of regularisation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Count, configuration
from ownmark.contracts import Recipe, overriding

DECAY = Recipe(epochs=5, batch_size=64, lr=0.05, weight_decay=0.1, schedule="constant", augment="none")
"""Five epochs with a weight decay of .1 (SoK code); the rate is ours."""
TUNE = Recipe(epochs=50, batch_size=64, lr=0.05, schedule="cosine", augment="none")
"""Up to fifty epochs of ordinary fine-tuning (SoK code); the rate is ours."""


@configuration
class RegularizeConfig:
    """Both phases, and when the second one stops."""

    decay: Annotated[Recipe, overriding(DECAY)] = DECAY
    """Phase one: a weight decay so strong that large weights shrink (SoK: .1 for 5 epochs, or .25 for 3)."""
    recipe: Annotated[Recipe, overriding(TUNE)] = TUNE
    """Phase two: fine-tuning that brings the task back."""
    patience: Count = 5
    """Epochs without a lower loss on held-back images after which phase two stops (SoK: 5)."""
    held_back: float = Field(default=0.1, gt=0, lt=1)
    """Share of the thief's images that are not trained on, and say when to stop and which epoch was best."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""
