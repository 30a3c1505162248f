"""Parameters of JPEG."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class JpegConfig:
    """How hard images are compressed."""

    quality: int = Field(default=45, ge=1, le=100)
    """libjpeg's quality; lower destroys more (the SoK tries 95, 65 and 45)."""
    subsample: bool = True
    """Keep colour at half the resolution (4:2:0), as JPEG libraries do unasked."""
