"""Parameters of the Uchida scheme."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_whitebox.config import MessageConfig, StartConfig

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.03, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class UchidaConfig(MessageConfig, StartConfig):
    """What is written where, and how hard."""

    layer: str = ""
    """Name of a convolution or linear layer; empty takes the convolution with the largest in * kh * kw among
    those that do not read the image (the first of equals)."""
    strength: float = Field(default=0.01, ge=0)
    """Lambda, the weight of the message's loss, which is a sum over bits (authors' code)."""
    average: Literal["outputs", "inputs"] = "outputs"
    """What filters are averaged over: `outputs` (Uchida et al. and their code) or `inputs` (the invariance paper)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
