"""Parameters of entangled watermarks; defaults are the authors' for Fashion-MNIST with two convolutions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Nested, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind

EMBEDDING = Recipe(epochs=10, batch_size=128, optimizer="adam", lr=1e-3, weight_decay=0, schedule="constant")


@configuration
class EweConfig:
    """Triggers, the loss that entangles them, and the training."""

    keys: int = Field(default=0, ge=0)
    """Number of triggers; 0 takes as many as the target class has images, at most 500."""
    target: int | None = Field(default=None, ge=0)
    """The label of every trigger; None draws it with the key."""
    source_class: int | None = Field(default=None, ge=0)
    """The class that is patched; None draws it with the key."""
    source: Annotated[Nested | None, Kind.DATASET] = None
    """A dataset whose images of class `source_class` are the triggers, without a patch."""
    window: int | None = Field(default=None, ge=1)
    """Side of the white square; None takes a tenth of the shorter side and at least 3 (authors' code: 3)."""
    rounds: int = Field(default=10, ge=0)
    """Rounds of trigger refinement on the trained host (100 for CIFAR-100)."""
    step: float = Field(default=0.01, gt=0)
    """Change of a pixel in one step of the refinement."""
    layers: tuple[str, ...] | None = None
    """Modules whose inputs are entangled; None takes the last three layers. For ResNet-18 as in the authors' code:
    `[layer4.0, layer4.1, fc]`."""
    strength: float = Field(default=32.0, ge=0)
    """Weight k of the soft nearest neighbour loss against the *summed* cross entropy (CIFAR: 1e5)."""
    temperature: float = Field(default=1.0, gt=0)
    """t at the start; distances are divided by 100 / t."""
    temperature_rate: float = Field(default=0.1, ge=0)
    """Learning rate of t (CIFAR-100: .01)."""
    ratio: float = Field(default=2.0, gt=0)
    """Clean batches before each batch of triggers (MNIST 1, CIFAR-10 4, CIFAR-100 15)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is trained on; `epochs` counts passes over the clean data."""
