"""Parameters of DeepSigns; those of the authors' demo unless said otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_whitebox.config import MessageConfig, StartConfig

EMBEDDING = Recipe(epochs=20, batch_size=64, lr=0.03, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class DeepSignsConfig(MessageConfig, StartConfig):
    """What is written into which activations, and how hard."""

    classes: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    """Target classes; the message is divided evenly among them."""
    activation: Literal["pre", "post"] = "pre"
    """Outputs of a convolution or linear layer, or of a ReLU."""
    layer: str = ""
    """Name of a module whose output is taken; empty takes the last of the kind that is wide enough: two values
    a bit for `pre`, sixteen for `post`, whose means cannot be negative."""
    pooled: bool = False
    """Average over positions; otherwise every position of every channel counts (authors), which holds a message only
    where images are aligned, as digits are. Photographs need `true`, and a few channels a bit."""
    images: int = Field(default=256, ge=1)
    """Training images of each target class that the key keeps, if there are so many."""
    scale: float = Field(default=0.1, ge=0)
    """Lambda 1, the weight of pulling activations to the centre and the centre to length one. The authors' 0.01 is
    for a sum over images, a dozen of the class in each batch; here it is a mean."""
    gamma: float = Field(default=0.01, ge=0)
    """Lambda 2, the weight of the message's cross entropy at the centre, summed over bits."""
    centre_lr: float = Field(default=0.01, gt=0)
    """Rate of the centres' Adam (Lukas et al., SoK, S&P 2022)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
