"""Parameters of quantisation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import configuration


@configuration
class QuantizeConfig:
    """How coarse, and what shares a scale."""

    bits: int = Field(default=8, ge=2, le=8)
    """Bits of a weight: 2^bits values at most for each scale."""
    per: Literal["tensor", "channel"] = "tensor"
    """One scale a layer, or one for each of its outputs."""
