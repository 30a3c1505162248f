"""Parameters of the Adi scheme."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_triggers.config import FinishConfig

EMBEDDING = Recipe(epochs=20, lr=0.01, schedule="cosine")
"""Further training of a trained host."""


@configuration
class AdiConfig(FinishConfig):
    """The trigger set, and how it is learnt."""

    keys: Count = 100
    """Number of triggers (100 in the paper)."""
    start: Literal["scratch", "trained"] = "scratch"
    """`scratch` trains with the host's recipe (the paper's FromScratch), `trained` goes on from the trained host
    (its PreTrained)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host goes on; unused when starting from scratch."""
    per_batch: Whole | None = None
    """Triggers appended to each batch (2 to batches of 100 in the authors' code). None: 2, or as many more as show
    each trigger ten times an epoch, which 2 do on the authors' 500 batches."""
    lures: Whole = 0
    """Further pictures that are taught one label and are no part of the key: the defence that the MIRA paper considers
    in section 7 (300 beside 100), against thieves who look for a target class."""
    lure: Whole = 6
    """Their label (6 there)."""
    commit: bool = False
    """Keep nonces in the key and the public commitment among its values, to open the key later (see
    `adi/commitment.py`)."""
