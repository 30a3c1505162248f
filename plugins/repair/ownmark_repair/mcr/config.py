"""Parameters of mode connectivity repair."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, Fraction, NonNegative, configuration
from ownmark.contracts import Recipe, overriding

END = Recipe(epochs=50, batch_size=128, lr=0.05, schedule="every", period=10, factor=0.1, augment="none")
"""Fine-tuning of the curve's far end: .05 divided by ten every 10 of 50 epochs (APP paper, B.4)."""
CURVE = Recipe(
    epochs=100, batch_size=128, lr=0.01, weight_decay=0.0, schedule="steps", milestones=(0.7,), factor=0.1, clip=5.0,
    augment="none",
)  # fmt: skip
"""Training of the curve: 100 epochs at .01 with gradients cut at 5 (APP paper's code)."""


@configuration
class McrConfig:
    """The far end, the curve, and the point on it that is taken."""

    t: Fraction = 0.9
    """Where on the curve the suspect is taken: 0 is the stolen network, 1 the fine-tuned one (APP paper: .9)."""
    decay: NonNegative = 1e-4
    """Weight of half the squared length of the weights on the curve (APP paper's code)."""
    end: Annotated[Recipe, overriding(END)] = END
    """Fine-tuning on one half of the thief's images."""
    recipe: Annotated[Recipe, overriding(CURVE)] = CURVE
    """Training of the curve's middle on the other half."""
    passes: Count = 1
    """Passes over the thief's images in which BatchNorm measures its statistics at the point taken."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""
