"""Parameters of DeepInversion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import configuration
from ownmark_mira.config import ObjectiveConfig


@configuration
class DeepInversionConfig(ObjectiveConfig):
    """Recovery with the authors' weights for CIFAR-10, and MIRA's unlearning."""

    samples: int = Field(default=250, ge=2)
    """Pictures of each class (M of MIRA, to compare)."""
    batch: int = Field(default=256, ge=1)
    """Pictures optimised together, of all classes; at least one of each (256)."""
    iterations: int = Field(default=2000, ge=1)
    """Steps of Adam for each batch (2000)."""
    rate: float = Field(default=0.05, gt=0)
    """Learning rate of Adam (.05)."""
    alpha_bn: float = Field(default=10.0, ge=0)
    """Weight of the distance from the statistics of every BatchNorm layer (10)."""
    alpha_tv: float = Field(default=2.5e-5, ge=0)
    """Weight of the batch's total variation (2.5e-5)."""
    alpha_l2: float = Field(default=0.0, ge=0)
    """Weight of the batch's Euclidean norm (0)."""
    jitter: int = Field(default=2, ge=0)
    """Pixels by which a batch is rolled at random in each step (2)."""
    mean: tuple[float, ...] = Field(default=(0.5,), min_length=1)
    """With `std`: pictures are sought in units of (pixel - mean) / std; those of the built-in hosts."""
    std: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(0.25,), min_length=1)
    """See `mean`."""
    objective: Literal["improved", "basic"] = "basic"
    """How the pictures are unlearned: all of them (Equation 4 of MIRA), or with MIRA's detection and split."""
