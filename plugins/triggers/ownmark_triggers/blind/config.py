"""Parameters of blind watermarks; defaults are the authors' (code)."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Count, NonNegative, Positive, Rate, Whole, configuration
from ownmark_triggers.config import FinishConfig


@configuration
class BlindConfig(FinishConfig):
    """Covers, the three players, and their weights."""

    keys: Whole = 0
    """Number of covers; 0 takes `share` of the owner's data, and at least 50."""
    share: float = Field(default=0.01, gt=0, lt=1)
    """Share of the owner's images that are covers."""
    letter: str | None = None
    """The letter of the logo; None draws one."""
    per_batch: Positive = 0.2
    """Covers in each batch, over its clean images (20 to 100)."""
    width: Count = 64
    """Channels of encoder and discriminator."""
    lr: Rate = 1e-3
    """Rate of encoder and discriminator (Adam, betas .5 and .999)."""
    pixel: NonNegative = 3.0
    """Weight of the squared difference between cover and key image, on pixels from -1 to 1."""
    structure: NonNegative = 5.0
    """Weight of 1 - SSIM between them."""
    hiding: NonNegative = 1.0
    """Weight of deceiving the discriminator."""
    label: NonNegative = 0.1
    """Weight of the host's cross entropy on key images, for the encoder."""
