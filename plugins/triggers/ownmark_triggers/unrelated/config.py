"""Parameters of the unrelated scheme."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import Count, Nested, Whole, configuration
from ownmark.methods import Kind
from ownmark_triggers.config import KeyedConfig, TriggerConfig


@configuration
class UnrelatedConfig(KeyedConfig, TriggerConfig):
    """Where the foreign images come from."""

    target: Whole = 0
    """The label of every trigger (0 in the APP paper)."""
    letter: str = "m"
    """The letter that is drawn, moved, turned and scaled at random (Zhang: handwritten m for digit tasks)."""
    source: Annotated[Nested | None, Kind.DATASET] = None
    """A dataset whose images are taken in place of the letter, from its training split."""
    foreign_class: Whole = 0
    """The one class of that dataset (0, as in the APP paper, which takes SVHN's)."""
    heldout: Count = 200
    """Further images that are kept back to measure the success rate on unseen ones."""
