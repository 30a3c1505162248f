"""Parameters of Gaussian blur."""

from __future__ import annotations

from ownmark.config import NonNegative, configuration


@configuration
class GaussianBlurConfig:
    """How much is blurred."""

    sigma: NonNegative = 1.0
    """Standard deviation in pixels of the image as it is; more destroys more. The SoK tries .5 to .7; the PST paper
    went until accuracy fell below 70 %."""
