"""Parameters of pixel deflection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Fraction, NonNegative, configuration


@configuration
class PixelDeflectionConfig:
    """What is deflected, and how it is smoothed over."""

    form: Literal["authors", "distinct"] = "authors"
    """`authors`: their published code, where each channel has deflections of its own, a pixel may be drawn twice, and a
    source beyond the border is drawn again; `distinct`: distinct pixels, all channels together, sources moved to the
    border."""
    share: Fraction = 0.2
    """Deflections of a channel over its pixels; more destroys more (the authors' 100 pixels of a 224 x 224 image would
    touch nothing here; ports to 32 x 32 take 100 to 300 of 1,024)."""
    window: float = Field(default=10.0, ge=1, le=1e6)
    """How far, per axis, a replacement may come from, in pixels at 32 a side (10 in the authors' code)."""
    sigma: NonNegative = 0.04
    """Standard deviation of the noise that the denoiser looks for, pixels being in [0, 1] (.04 in the authors' code);
    0 does not denoise."""
