"""Parameters of false claims."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Nested, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind

OWN = Recipe(epochs=12, batch_size=64, lr=0.05, schedule="one-cycle")
"""Trains the claimant's own networks."""


@configuration
class FalseClaimConfig:
    """Whose key is claimed with, and how it is fitted."""

    scheme: Annotated[Nested, Kind.SCHEME]
    """The scheme that the claim is made under; its keys must have `triggers` and `labels`."""
    extractor: Annotated[Nested, Kind.EXTRACTOR] = Nested(id="triggers")
    """Reads the claim."""
    keys: Literal["free", "derived"] = "free"
    """`free`: the claimant fits the triggers; `derived`: they are as the scheme draws them, from a committed secret and
    later randomness."""
    hosts: int = Field(default=3, ge=0, le=100)
    """Networks of his own that the triggers are fitted to."""
    on_suspect: bool = False
    """Fit to the suspect as well, which a claimant can who downloads it before he claims."""
    steps: int = Field(default=150, ge=0, le=100_000)
    """Steps of Adam on the triggers' pixels."""
    rate: float = Field(default=0.05, gt=0, le=10)
    """Its learning rate, pixels being in [0, 1]."""
    decoys: int = Field(default=99, ge=1, le=100_000)
    """Fresh keys that the claim is ranked among."""
    recipe: Annotated[Recipe, overriding(OWN)] = OWN
    """How his own networks are trained."""
