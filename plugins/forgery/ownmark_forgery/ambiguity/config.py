"""Parameters of the ambiguity attack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_forgery.config import ForgeryConfig

FORGING = Recipe(epochs=100, batch_size=64, lr=0.01, schedule="constant", clip=2.0)
"""How Fan et al. train forged passports (authors' code)."""


@configuration
class AmbiguityConfig(ForgeryConfig):
    """Which key is forged, and how."""

    way: str = ""
    """One of the scheme's own forgeries (`deepipr`: `random`, `scale`, `passports`), or `resample`, which works with
    every scheme; empty takes the scheme's strongest, else `resample`."""
    rounds: Whole = 64
    """Keys that `resample` draws at most."""
    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of the attacker's images that forging does not see, and rates are measured on."""
    recipe: Annotated[Recipe, overriding(FORGING)] = FORGING
    """How a scheme's own forgery is trained."""
