"""Parameters of the Guo and Potkonjak scheme."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Count, Positive, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_triggers.config import FinishConfig, TriggerConfig

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.03, milestones=(1 / 3, 2 / 3))
"""The paper's three rates, each a tenth of the one before, for a third of the epochs each."""


@configuration
class GuoConfig(FinishConfig, TriggerConfig):
    """The message, its place and strength, and which images carry it."""

    keys: Count = 100
    """Number of triggers that make the evidence (100 in MIRA)."""
    mode: Literal["dataset", "keys"] = "dataset"
    """`dataset`: each training image carries the mark with probability `share`, drawn anew in every step (the
    authors' code); `keys`: only the triggers do (MIRA)."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """Probability that a training image carries the mark (.5 in the authors' code)."""
    signature: str = ""
    """Text that message, places and labels follow from; empty draws a secret with the key."""
    bits: Count | None = None
    """Length of the message, one pixel a bit; None takes an eighth of the pixels (128 of 32 x 32, as in the code)."""
    strength: Positive | None = None
    """None sets pixels to 1 or 0 as the bits say (MIRA: extreme values); a number adds or subtracts so many standard
    deviations of the owner's pixels (.1 in the code, whose bits are all 1 by mistake)."""
    start: Literal["scratch", "trained"] = "trained"
    """Fine-tune a trained host (authors' code) or train from scratch with the host's recipe."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; the code takes 150 epochs at .1, .01, .001."""
