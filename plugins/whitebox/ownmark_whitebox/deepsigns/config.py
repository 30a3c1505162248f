"""Parameters of DeepSigns; those of the authors' demo unless said otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Count, NonNegative, Rate, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_whitebox.config import LayerName, MessageConfig, StartConfig

EMBEDDING = Recipe(epochs=20, batch_size=64, lr=0.03, schedule="cosine")
"""Fine-tuning that writes the message into a trained network."""


@configuration
class DeepSignsConfig(MessageConfig, StartConfig):
    """What is written into which activations, and how hard."""

    classes: Annotated[tuple[Whole, ...], Field(min_length=1)] | None = None
    """Target classes; the message is divided evenly among them. None: the first ones, as many as divide it, ten at
    most (160 bits: 16 in each of ten, as the authors' demo has 16 a class)."""
    activation: Literal["pre", "post"] = "pre"
    """Outputs of a convolution or linear layer, or of a ReLU."""
    layer: LayerName = ""
    """Name of a module whose output is taken; `auto` (or empty) takes, of those wide enough, the one with the most
    inputs a filter, the last of equals, and never the network's answer. Wide enough are two values a bit of a class
    for `pre`, sixteen for `post`, whose means cannot be negative."""
    pooled: bool = True
    """Average over positions, so that a layer has a value for each channel. `false`: every position of every channel
    counts (authors), which holds a message only where images are aligned, as digits are and photographs are not."""
    images: Count = 256
    """Training images of each target class that the key keeps, if there are so many."""
    scale: NonNegative = 0.1
    """Lambda 1, the weight of pulling activations to the centre and the centre to length one. The authors' 0.01 is
    for a sum over images, a dozen of the class in each batch; here it is a mean."""
    gamma: NonNegative = 0.01
    """Lambda 2, the weight of the message's cross entropy at the centre, summed over bits."""
    centre_lr: Rate = 0.01
    """Rate of the centres' Adam (Lukas et al., SoK, S&P 2022)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
