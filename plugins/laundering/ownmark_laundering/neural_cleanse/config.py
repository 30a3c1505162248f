"""Parameters of Neural Cleanse."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import Fraction, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_laundering.config import ReconstructionConfig

UNLEARN = Recipe(epochs=1, batch_size=32, lr=0.01, schedule="constant", augment="none")
"""One epoch; batch and rate are ours."""


@configuration
class NeuralCleanseConfig(ReconstructionConfig):
    """Reconstruction, the outlier test's `index`, and unlearning."""

    share: Fraction = 0.2
    """Share of the training images that are stamped with a reconstructed trigger, under their own labels."""
    recipe: Annotated[Recipe, overriding(UNLEARN)] = UNLEARN
    """How a network with flagged classes is trained on; `epochs: 0` makes the attack a detector."""
