"""Parameters of exponential weighting."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Count, Nested, NonNegative, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind
from ownmark_triggers.config import FinishConfig, TriggerConfig

EMBEDDING = Recipe(epochs=20, lr=0.05)
"""20 epochs, the rate divided by ten at half and three quarters, as in the APP paper; from .05 in place of .1."""


@configuration
class ExponentialWeightingConfig(FinishConfig, TriggerConfig):
    """The operator, and which labels the keys get."""

    temperature: NonNegative = 2.0
    """T: how much more large weights count than small ones (2 in the paper); 0 leaves weights as they are."""
    keys: Whole = 0
    """Number of key images; 0 takes 100 (MIRA), or fewer if these are more than `share` of the owner's data."""
    share: float = Field(default=0.025, gt=0, lt=1)
    """Largest share of the owner's images that 0 keys take, since wrong labels are noise; but 20 in any case."""
    repeats: Count = 2
    """How often an epoch shows each key; a network without norm layers does not learn single wrong copies in time."""
    trigger: Annotated[Nested | None, Kind.SCHEME] = None
    """Triggers of another scheme in place of wrongly labelled images, as the APP paper's rows have them:
    `trigger: {content: {}}`; `keys`, `share` and `labels` say nothing then."""
    labels: Literal["random", "next"] = "random"
    """`random`: uniform among the wrong classes (MIRA); `next`: (y + 1) mod C (Lederer et al.)."""
    start: Literal["scratch", "trained"] = "trained"
    """`trained` goes on from the trained host, which saw the key images with their true labels; `scratch` first
    trains a network on clean data without them."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the network is trained with the operator on."""
