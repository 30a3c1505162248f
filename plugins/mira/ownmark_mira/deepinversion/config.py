"""Parameters of DeepInversion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, NonNegative, Positive, Rate, Real, Whole, configuration
from ownmark_mira.config import ObjectiveConfig


@configuration
class DeepInversionConfig(ObjectiveConfig):
    """Recovery with the authors' weights for CIFAR-10, and MIRA's unlearning."""

    samples: int = Field(default=250, ge=2, le=1_000_000)
    """Pictures of each class (M of MIRA, to compare)."""
    batch: Count = 256
    """Pictures optimised together, of all classes; at least one of each (256)."""
    iterations: Count = 2000
    """Steps of Adam for each batch (2000)."""
    rate: Rate = 0.05
    """Learning rate of Adam (.05)."""
    alpha_bn: NonNegative = 10.0
    """Weight of the distance from the statistics of every BatchNorm layer (10)."""
    alpha_tv: NonNegative = 2.5e-5
    """Weight of the batch's total variation (2.5e-5)."""
    alpha_l2: NonNegative = 0.0
    """Weight of the batch's Euclidean norm (0)."""
    jitter: Whole = 2
    """Pixels by which a batch is rolled at random in each step (2)."""
    mean: tuple[Real, ...] = Field(default=(0.5,), min_length=1)
    """With `std`: pictures are sought in units of (pixel - mean) / std; those of the built-in hosts."""
    std: tuple[Positive, ...] = Field(default=(0.25,), min_length=1)
    """See `mean`."""
    objective: Literal["improved", "basic"] = "basic"
    """How the pictures are unlearned: all of them (Equation 4 of MIRA), or with MIRA's detection and split."""
