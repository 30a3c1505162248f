"""Parameters that both schemes share."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, Nested, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind

TUNING = Recipe(epochs=20, lr=0.03, schedule="cosine")
"""Fine-tuning that hardens a trained network."""


@configuration
class HardenedConfig:
    """Which triggers are taught, on which data, from which start."""

    trigger: Annotated[Nested, Kind.SCHEME]
    """The scheme whose triggers are taught, of any pack: `trigger: {content: {}}`. It draws the key; how it would
    train by itself (its `start`, `recipe`, `repeats` ...) is not used."""
    start: Literal["scratch", "trained"] = "scratch"
    """Train from scratch with the host's recipe (the paper), or train a trained host on with `recipe`."""
    recipe: Annotated[Recipe, overriding(TUNING)] = TUNING
    """How a trained host is trained on; unused when starting from scratch."""
    clean: Literal["mixed", "pure"] = "mixed"
    """Data of the task's loss: `mixed` has the triggers in place of their carriers (the authors' code, and plain
    data poisoning), `pure` has neither (the paper's Eq. 6), so that only the added term teaches them."""
    repeats: Count = 1
    """How often an epoch of `mixed` data shows each trigger."""
    augment: bool = False
    """Augment triggers as the recipe augments clean images (the authors' code does)."""
