"""Parameters of Gaussian blur."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class GaussianBlurConfig:
    """How much is blurred."""

    sigma: float = Field(default=1.0, ge=0)
    """Standard deviation in pixels of the image as it is; more destroys more. The SoK tries .5 to .7; the PST paper
    went until accuracy fell below 70 %."""
