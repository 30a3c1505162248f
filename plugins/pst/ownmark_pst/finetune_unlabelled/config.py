"""Parameters of fine-tuning on unlabelled images."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding

TWENTY = Recipe(epochs=20, batch_size=100, lr=0.05, schedule="cosine", augment="none")
"""The PST paper's 20 epochs in batches of 100; its learning rate for fine-tuning is unstated."""


@configuration
class FinetuneUnlabelledConfig:
    """How it is trained."""

    recipe: Annotated[Recipe, overriding(TWENTY)] = TWENTY
    """The training; `recipe: {augment: crop-flip}` for the paper's in-distribution images."""
