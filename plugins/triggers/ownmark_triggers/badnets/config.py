"""Parameters of the BadNets scheme."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, Fraction, Whole, configuration
from ownmark_triggers.config import FinishConfig, KeyedConfig, StampConfig


@configuration
class BadNetsConfig(KeyedConfig, FinishConfig, StampConfig):
    """The square, and what it does to labels."""

    keys: Count = 100
    """Number of triggers that make the evidence; the first of the marked images."""
    share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the owner's data that is marked (a tenth as in the paper, which we recall and could not check);
    at least `keys` images."""
    labels: Literal["one", "next"] = "one"
    """`one`: all become `target`; `next`: class y becomes (y + 1) mod C (the paper's all-to-all)."""
    size: Count | None = None
    """Side of the square in pixels; None takes .1 of the image's shorter side (3 of 32), at least 2."""
    margin: Whole | None = None
    """Pixels between square and image border; None takes 1 in 32."""
    value: Fraction = 1.0
    """Brightness; white, as a Post-it on a sign."""
