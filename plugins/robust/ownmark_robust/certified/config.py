"""Parameters of certified marks and of their certificate."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import MOST, Count, NonNegative, Positive, Whole, configuration
from ownmark_robust.config import HardenedConfig


@configuration
class CertifiedConfig(HardenedConfig):
    """Noise on the weights, and how often triggers are taught under it."""

    sigma: Positive = 1.0
    """Standard deviation of the strongest noise on every parameter (authors' code)."""
    levels: Count = 20
    """k: noise of j sigma / k for j = 0 .. k, so one pass more than this (authors' code)."""
    draws: Count = 100
    """Noisy networks at each level (authors' code)."""
    warmup: Whole = 5
    """Epochs before the first lesson (authors' code: 5 on CIFAR-10, 10 on MNIST)."""
    batch_size: Count = 64
    """Triggers of one lesson (authors' code)."""


@configuration
class CertificateConfig:
    """The certificate's noise, its sample, and its confidence."""

    sigma: Positive = 1.0
    """Standard deviation of the noise; the one that was embedded with (authors' code)."""
    draws: int = Field(default=1000, ge=2, le=MOST)
    """Noisy copies whose median is taken (authors' code)."""
    confidence: float = Field(default=0.99, gt=0, lt=1)
    """Of each bound by itself (authors' code)."""
    radii: tuple[NonNegative, ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
    """l2 distances between parameters for which a bound is stated (authors' code)."""
    seed: Whole = 0
    """Of the noise."""
