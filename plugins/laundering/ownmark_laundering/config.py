"""Parameters that both attacks share: how triggers are reconstructed, and which labels are taken."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, NonNegative, Positive, Rate, configuration

FULL_SIZE = 1024
"""Pixels of the 32 x 32 images that `cost` is stated for."""


@configuration
class ReconstructionConfig:
    """How a trigger of each class is reconstructed (Neural Cleanse; defaults are those of its authors' code)."""

    steps: Count = 1000
    """Most steps; a class may stop earlier. After each of them the price of a mask is looked at."""
    images: Count = 1000
    """Images a step; the thief's are shown again where they are fewer."""
    batch_size: Count = 32
    """Images of one update, the same for all classes."""
    rate: Rate = 0.1
    """Learning rate of Adam, whose betas are (.5, .9)."""
    cost: Positive = 1e-3
    """lambda, price of a mask's l1 norm: the first above 0 if `schedule` is adaptive. Stated for 32 x 32 pixels, and
    multiplied with 1024 / (H W), so that a mask over everything costs the same at any size."""
    schedule: Literal["adaptive", "fixed"] = "adaptive"
    """`adaptive`: 0 until the trigger works, then up after `patience` good steps and down after as many bad ones."""
    success: float = Field(default=0.99, gt=0, le=1)
    """Share of stamped images that must get the class for a step to be good."""
    patience: Count = 5
    """Steps in a row before the price changes; a class stops after five times as many without a better mask, once its
    price has gone both up and down."""
    better: Literal["authors", "one-percent"] = "authors"
    """What a better mask is: any that is smaller (their code's threshold of 1), or one smaller by 1 %, which stops
    earlier."""
    up: float = Field(default=2.0, gt=1, le=1e6)
    """Factor of a rising price."""
    down: float = Field(default=2**1.5, gt=1, le=1e6)
    """Divisor of a falling price."""
    index: NonNegative = 2.0
    """Anomaly index from which a small mask is an outlier."""
    outliers: Literal["authors", "log"] = "authors"
    """Whether the index is of the masks' norms, or of the norms' logarithms: masks of classes without a trigger differ
    by factors, and their spread can hide one that is several times smaller."""
    at_once: Count = 5000
    """Memory budget: most images in one forward pass. Classes are taken in chunks of so many images, at least one
    class each, with the same result; a GPU that runs out of memory halves the chunk. On a CPU also at most 2^15
    pixels, since more at once takes longer there."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""
