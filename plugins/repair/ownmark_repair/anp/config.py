"""Parameters of adversarial neuron pruning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ownmark.config import Count, Fraction, NonNegative, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_repair.presets import laid_under

MASKS = Recipe(
    epochs=30, batch_size=128, lr=0.2, momentum=0.9, weight_decay=0.0, schedule="constant", augment="none"
)
"""SGD .9 at .2 over the masks; 30 epochs of 10,000 images, about the original's 2,000 steps (APP paper's code)."""


@configuration
class AnpConfig:
    """How masks are found, and which neurons they condemn."""

    preset: Literal["paper", "app"] = "paper"
    """`app` prunes below .6, as the APP paper on CIFAR-10; `paper` chooses the threshold on the thief's images."""
    threshold: float | None = Field(default=None, ge=0, lt=1)
    """Neurons with a mask up to this are pruned. None takes the largest of 0, .05 .. .95 that costs no more than `drop`
    on held-back images, and prunes nothing if 0 costs more."""
    drop: Fraction = 0.03
    """Accuracy on held-back images that pruning may cost."""
    held_back: float = Field(default=0.1, gt=0, lt=1)
    """Share of the thief's images that choose the threshold, where none is given."""
    epsilon: NonNegative = 0.4
    """Largest perturbation of a neuron's scale and shift, relative to them (paper: .4)."""
    steps: Count = 1
    """Steps of the perturbation (paper: 1)."""
    alpha: Fraction = 0.2
    """Weight of the unperturbed loss; the perturbed one has 1 - alpha (paper: .2)."""
    project: bool = False
    """Keep the perturbation within epsilon, as the paper writes; the released codes start at random and step by
    epsilon, which can reach twice as far."""
    recipe: Annotated[Recipe, overriding(MASKS)] = MASKS
    """Training of the masks; weights stay."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""

    _preset = model_validator(mode="before")(laid_under({"app": {"threshold": 0.6}}))
