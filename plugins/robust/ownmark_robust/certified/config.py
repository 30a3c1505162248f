"""Parameters of certified marks and of their certificate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import configuration
from ownmark_robust.config import HardenedConfig


@configuration
class CertifiedConfig(HardenedConfig):
    """Noise on the weights, and how often triggers are taught under it."""

    sigma: float = Field(default=1.0, gt=0)
    """Standard deviation of the strongest noise on every parameter (authors' code)."""
    levels: int = Field(default=20, ge=1)
    """k: noise of j sigma / k for j = 0 .. k, so one pass more than this (authors' code)."""
    draws: int = Field(default=100, ge=1)
    """Noisy networks at each level (authors' code)."""
    warmup: int = Field(default=5, ge=0)
    """Epochs before the first lesson (authors' code: 5 on CIFAR-10, 10 on MNIST)."""
    batch_size: int = Field(default=64, ge=1)
    """Triggers of one lesson (authors' code)."""


@configuration
class CertificateConfig:
    """The certificate's noise, its sample, and its confidence."""

    sigma: float = Field(default=1.0, gt=0)
    """Standard deviation of the noise; the one that was embedded with (authors' code)."""
    draws: int = Field(default=1000, ge=2)
    """Noisy copies whose median is taken (authors' code)."""
    confidence: float = Field(default=0.99, gt=0, lt=1)
    """Of each bound by itself (authors' code)."""
    radii: tuple[Annotated[float, Field(ge=0)], ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
    """l2 distances between parameters for which a bound is stated (authors' code)."""
    seed: int = 0
    """Of the noise."""
