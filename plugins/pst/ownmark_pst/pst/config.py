"""Parameters of PST and ST."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, Positive, configuration


@configuration
class STConfig:
    """Enlarging and warping."""

    beta: Count = 5
    """How much images are enlarged before they are warped (5: from 32 to 160 pixels)."""
    gamma: float = Field(default=15.0, ge=0, lt=80)
    """Most pixels, per axis, that each of the two warps moves a point, at 160 pixels a side; it scales with the
    image, so 15 is 3 / 32 of any image's shorter side. 0 warps nothing."""
    sigma: Positive = 8.0
    """Smoothness of the elastic warp: standard deviation of the Gaussian, in pixels at 160 a side, scaled likewise
    (not in the paper)."""
    antialias: bool = False
    """Low-pass filter when shrinking back (the paper does not say; bicubic resizing in OpenCV and torch does not)."""


@configuration
class PSTConfig(STConfig):
    """Enlarging, pattern and warping."""

    grid: bool = True
    """Embed the pattern; without it PST is ST."""
    v: Count = 5
    """Every v-th row and every v-th column of the enlarged image is median-filtered, from a random phase. A multiple
    of an odd `beta` meets either none or all of the pixels that shrinking would keep if nothing were warped."""
    kernel: Literal[1, 3, 5, 7] = 3
    """Side of the median's window (not in the paper)."""
