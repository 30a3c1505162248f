"""Parameters of the Uchida scheme."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding

MESSAGE = "this is my signature"

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.03, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class UchidaConfig:
    """What is written where, and how hard."""

    message: str = Field(default=MESSAGE, min_length=1)
    """Text to embed, 8 bits a byte of its UTF-8 form, most significant bit first; 160 bits by default (Table
    II of the invariant-neuron-transform paper)."""
    bits: int | None = Field(default=None, ge=1)
    """Embed this many random bits, drawn with the key, in place of the text."""
    layer: str = ""
    """Name of a convolution or linear layer; empty takes the convolution with the largest in * kh * kw among
    those that do not read the image (the first of equals)."""
    strength: float = Field(default=0.01, ge=0)
    """Lambda, the weight of the message's loss, which is a sum over bits (authors' code)."""
    start: Literal["scratch", "trained"] = "scratch"
    """Embed while training from scratch with the host's recipe, or fine-tune a trained host (paper: both)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
