"""Parameters of IPR-GAN."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, NonNegative, Real, configuration


@configuration
class IPRGANConfig:
    """Message, logo and strengths."""

    message: str = "this is my signature"
    """Text in the signs, repeated over all scales; what is embedded is its sum with a random pad of the key."""
    margin: NonNegative = 0.1
    """How far from 0 the scales are pressed (gamma_0 in the authors' code)."""
    strength: NonNegative = 1.0
    """Weight of the sign loss, a mean over each layer's scales (authors' code); 0 marks no signs."""
    logo: Literal["corner", "none"] = "corner"
    """Whether keyed latents call for a logo in the lower right corner."""
    logo_strength: NonNegative = 1.0
    """Weight of 1 - SSIM of what triggers give (authors' code)."""
    triggers: Count = 32
    """Latent vectors in the key that call for the logo."""
    share: float = Field(default=0.25, gt=0, lt=1)
    """Share of a trigger's places that hold the constant."""
    constant: Real = 3.0
    """What they hold; the paper takes -10, where fresh latents are standard normal."""


@configuration
class LogosConfig:
    """When a trigger counts as answered."""

    similar: float = Field(default=0.75, gt=0, le=1)
    """SSIM of the answer with itself under the logo, taken where the logo is."""
