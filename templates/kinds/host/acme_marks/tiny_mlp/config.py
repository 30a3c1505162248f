"""Parameters of the host."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding

RECIPE = Recipe(epochs=20, batch_size=64, lr=0.05)


@configuration
class TinyMlpConfig:
    """Size and training."""

    hidden: int = Field(default=128, ge=1, le=100_000)
    """Neurons of the hidden layer."""
    recipe: Annotated[Recipe, overriding(RECIPE)] = RECIPE
    """How it is trained."""
