"""Parameters of the pack's methods."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Nested, configuration
from ownmark.contracts import Recipe
from ownmark.methods import Kind


@configuration
class SignsConfig:
    """What is written."""

    bits: int = Field(default=32, ge=1)
    """Length of the message."""


@configuration
class PlainConfig:
    """Of a host."""

    recipe: Recipe = Field(default_factory=lambda: Recipe(epochs=2, batch_size=32, lr=0.05))
    """Some steps."""


@configuration
class WrapsConfig:
    """What is run first."""

    inner: Annotated[Nested, Kind.ATTACK]
    """Another attack."""
