"""Parameters of the laundering paper's networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Positive, Real, configuration
from ownmark.contracts import Recipe, overriding

ZHANG = Recipe(epochs=5, batch_size=128, lr=0.05, weight_decay=1e-4, schedule="one-cycle", augment="none")
"""Weight decay of Table 7; the rest is ours."""


@configuration
class NNLConfig:
    """Which network, and its recipe."""

    network: Literal["mnist", "mnist_plus", "cifar10", "faces", "speech"] = "mnist"
    """Table 5, 6, 7, 4 (like DeepID) or 8 (like AlexNet); the number of classes is the data's (MNIST+ has 16)."""
    mean: tuple[Real, ...] = Field(default=(0.5,), min_length=1)
    """Subtracted from the pixels: one value for all channels, or one for each."""
    std: tuple[Positive, ...] = Field(default=(0.25,), min_length=1)
    """Divides them then: one value, or one for each channel."""
    recipe: Annotated[Recipe, overriding(ZHANG)] = ZHANG
    """The training."""
