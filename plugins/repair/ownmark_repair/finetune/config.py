"""Parameters of fine-tuning."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding

STRONG = Recipe(epochs=30, batch_size=128, lr=0.05, schedule="every", period=5, factor=0.5, augment="none")
"""The APP paper's fine-tuning (appendix B.4): SGD .9, lr .05 halved every 5 epochs, weight decay 5e-4 (its code), and
no augmentation, which its code did not apply when its tables were made."""


@configuration
class FinetuneConfig:
    """What is trained, on which labels, and how."""

    recipe: Annotated[Recipe, overriding(STRONG)] = STRONG
    """The training; `recipe: {augment: crop-flip}` for the augmented variant."""
    layers: Literal["all", "last"] = "all"
    """Train everything (FTAL, RTAL) or the last layer only (FTLL, RTLL)."""
    reinit_last: bool = False
    """Start from a new last layer (RTAL, RTLL)."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""
