"""Parameters of frontier stitching."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Count, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_triggers.config import FinishConfig

EMBEDDING = Recipe(epochs=10, lr=0.01, schedule="cosine")
"""Fine-tuning on the keys and the owner's data."""


@configuration
class FrontierStitchingConfig(FinishConfig):
    """The adversaries, and how they are stitched."""

    keys: int = Field(default=100, ge=2, multiple_of=2, le=1_000_000)
    """Number of keys, half true adversaries, half false ones (100 in the PST paper and in MIRA)."""
    eps: float | None = Field(default=None, gt=0, lt=1)
    """Largest change of a pixel, pixels being in [0, 1]. None takes .03 from 32 pixels on, .25 from 16 (the
    paper's, on MNIST) and .15 below."""
    repeats: Count = 10
    """How often an epoch shows each key (10 in the SoK code)."""
    only_keys: bool = False
    """Fine-tune on the keys alone, as one re-implementation does; MIRA adds them to the training set."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is fine-tuned."""
