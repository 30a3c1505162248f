"""Parameters that several schemes share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ownmark.config import Count, configuration
from ownmark.contracts import Recipe, overriding

MESSAGE = "this is my signature"
"""20 characters, 160 bits (Table II of the invariant-neuron-transform paper)."""

EMBEDDING = Recipe(epochs=15, batch_size=64, lr=0.01, schedule="cosine")
"""Fine-tuning that writes a mark into a trained network."""

LayerName = Annotated[str, BeforeValidator(lambda name: "" if name == "auto" else name)]
"""A layer's name; empty, or `auto`, leaves the choice to the scheme."""


@configuration
class MessageConfig:
    """What is written."""

    message: str = Field(default=MESSAGE, min_length=1)
    """Text to embed, 8 bits a byte of its UTF-8 form, most significant bit first."""
    bits: Count | None = None
    """Embed this many random bits, drawn with the key, in place of the text."""


@configuration
class StartConfig:
    """What the mark is written into."""

    start: Literal["scratch", "trained"] = "scratch"
    """Embed while training from scratch with the host's recipe, or fine-tune a trained host."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
