"""Parameters that several trigger schemes share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Count, Whole, configuration
from ownmark.contracts import Recipe, overriding

EMBEDDING = Recipe(epochs=10, lr=0.03, schedule="cosine")
"""Fine-tuning that teaches a trained network its triggers."""


@configuration
class TriggerConfig:
    """How many triggers, and how they are learnt."""

    keys: Whole = 0
    """Number of triggers; 0 takes `share` of the owner's data, and at least 50."""
    share: float = Field(default=0.01, gt=0, lt=1)
    """Share of the owner's data that become triggers (APP paper, section 4.1)."""
    start: Literal["scratch", "trained"] = "scratch"
    """Train from scratch with the host's recipe, or fine-tune a trained host."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
    repeats: Count = 1
    """How often an epoch shows each trigger; 1 is plain data poisoning."""
    augment: bool = False
    """Augment triggers as the recipe augments clean images (the APP paper's code does)."""
    extra_epochs: Whole = 0
    """Up to so many further epochs, at a tenth of the rate, until every trigger is known: the PST paper's stop rule.
    None are needed after a long recipe."""


@configuration
class StampConfig(TriggerConfig):
    """Triggers made by stamping clean images, all with one label."""

    target: Whole = 0
    """The label of every trigger (0 in the APP paper); its own images carry none."""
    source_class: Whole | None = None
    """Stamp only images of this class; None stamps images of all classes but the target."""


@configuration
class KeyedConfig:
    """Whether the mark is the paper's, the same for everybody, or this key's alone."""

    keyed: bool = False
    """Draw pattern, place, shade and label from the key, several of each: whose mark it is can then be told. The
    paper's fixed pattern marks a network, and anybody may claim it. `ownmark embed` turns this on."""
    motifs: int = Field(default=5, ge=1, le=1000)
    """Keyed: how many patterns a key has, each with a label of its own. A stranger's key then misses most labels."""


@configuration
class FinishConfig:
    """Training on until the mark is there; the first base of a scheme that does so unasked."""

    extra_epochs: Whole = 30
    """Up to so many further epochs, at a tenth of the rate, until every trigger is known (the PST paper's stop rule,
    and MIRA's networks know all of theirs). None are needed after a long recipe."""
