"""Parameters of bit-depth reduction."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class BitDepthConfig:
    """What is kept."""

    bits: int = Field(default=1, ge=1, le=8)
    """Bits a channel; fewer destroy more. The SoK keeps 4, which hurts no mark; the PST paper went until accuracy fell
    below 70 %, which takes 1 to 3."""
