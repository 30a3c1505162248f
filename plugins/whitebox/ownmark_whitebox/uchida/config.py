"""Parameters of the Uchida scheme."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import NonNegative, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_whitebox.config import LayerName, MessageConfig, StartConfig

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.03, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class UchidaConfig(MessageConfig, StartConfig):
    """What is written where, and how hard."""

    layer: LayerName = ""
    """Name of a convolution or linear layer; `auto` (or empty) takes the convolution with the largest in * kh * kw
    among those that read neither the image nor a single position (gates), or in a network without one the inner linear
    layer with the most inputs."""
    strength: NonNegative = 0.01
    """Lambda, the weight of the message's loss, which is a sum over bits (authors' code)."""
    average: Literal["outputs", "inputs"] = "outputs"
    """What filters are averaged over: `outputs` (Uchida et al. and their code) or `inputs` (the invariance paper)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
