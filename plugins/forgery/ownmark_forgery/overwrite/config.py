"""Parameters of overwriting."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_forgery.config import ForgeryConfig

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.03, schedule="cosine")


@configuration
class OverwriteConfig(ForgeryConfig):
    """Which mark is put over the owner's."""

    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """Handed to the scheme as the host's recipe, for schemes that have none of their own for a trained host."""
