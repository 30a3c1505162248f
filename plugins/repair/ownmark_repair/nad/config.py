"""Parameters of neural attention distillation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ownmark.config import NonNegative, Positive, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_repair.presets import laid_under

TEACHER = Recipe(epochs=10, batch_size=64, lr=0.02, schedule="every", period=2, factor=0.1, augment="none")
"""The teacher's fine-tuning: .02 divided by ten at epochs 2, 4, 6, 8 (APP paper's code)."""
STUDENT = Recipe(epochs=10, batch_size=64, lr=0.02, schedule="every", period=2, factor=0.1, augment="none")
"""The distillation, the same (APP paper, B.4: rate .02)."""


@configuration
class NadConfig:
    """Teacher, student, and how their attention is compared."""

    preset: Literal["app", "app_code"] = "app"
    """`app`: beta 1500 and a decaying rate, as the paper says; `app_code`: 2000 and a constant one, as run."""
    beta: NonNegative = 1500.0
    """Weight of each layer's attention distance (APP paper, B.4: 1500); 0 is plain fine-tuning."""
    power: Positive = 2.0
    """p: attention is the sum over channels of |activation|^p (2 in the paper)."""
    layers: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Layers that are compared; None takes the last feature map of each resolution, a ResNet's stages."""
    teacher: Annotated[Recipe, overriding(TEACHER)] = TEACHER
    """Fine-tuning of the teacher."""
    recipe: Annotated[Recipe, overriding(STUDENT)] = STUDENT
    """Training of the student."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""

    _preset = model_validator(mode="before")(
        laid_under({"app_code": {"beta": 2000.0, "recipe": {"schedule": "constant"}}})
    )
