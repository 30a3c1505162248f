"""Parameters of blind watermarks; defaults are the authors' (code)."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration
from ownmark_triggers.config import FinishConfig


@configuration
class BlindConfig(FinishConfig):
    """Covers, the three players, and their weights."""

    keys: int = Field(default=0, ge=0)
    """Number of covers; 0 takes `share` of the owner's data, and at least 50."""
    share: float = Field(default=0.01, gt=0, lt=1)
    """Share of the owner's images that are covers."""
    letter: str | None = None
    """The letter of the logo; None draws one."""
    per_batch: float = Field(default=0.2, gt=0)
    """Covers in each batch, over its clean images (20 to 100)."""
    width: int = Field(default=64, ge=1)
    """Channels of encoder and discriminator."""
    lr: float = Field(default=1e-3, gt=0)
    """Rate of encoder and discriminator (Adam, betas .5 and .999)."""
    pixel: float = Field(default=3.0, ge=0)
    """Weight of the squared difference between cover and key image, on pixels from -1 to 1."""
    structure: float = Field(default=5.0, ge=0)
    """Weight of 1 - SSIM between them."""
    hiding: float = Field(default=1.0, ge=0)
    """Weight of deceiving the discriminator."""
    label: float = Field(default=0.1, ge=0)
    """Weight of the host's cross entropy on key images, for the encoder."""
