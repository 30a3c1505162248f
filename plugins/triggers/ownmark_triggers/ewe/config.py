"""Parameters of entangled watermarks; defaults are the authors' for Fashion-MNIST with two convolutions."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import Count, Nested, NonNegative, Positive, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind

EMBEDDING = Recipe(epochs=10, batch_size=128, optimizer="adam", lr=1e-3, weight_decay=0, schedule="constant")


@configuration
class EweConfig:
    """Triggers, the loss that entangles them, and the training."""

    keys: Whole = 0
    """Number of triggers; 0 takes as many as the target class has images, at most 500."""
    target: Whole | None = None
    """The label of every trigger; None draws it with the key."""
    source_class: Whole | None = None
    """The class that is patched; None draws it with the key."""
    source: Annotated[Nested | None, Kind.DATASET] = None
    """A dataset whose images of class `source_class` are the triggers, without a patch."""
    window: Count | None = None
    """Side of the white square; None takes a tenth of the shorter side and at least 3 (authors' code: 3)."""
    rounds: Whole = 10
    """Rounds of trigger refinement on the trained host (100 for CIFAR-100)."""
    step: Positive = 0.01
    """Change of a pixel in one step of the refinement."""
    layers: tuple[str, ...] | None = None
    """Modules whose inputs are entangled; None takes the last three layers. For ResNet-18 as in the authors' code:
    `[layer4.0, layer4.1, fc]`."""
    strength: NonNegative = 32.0
    """Weight k of the soft nearest neighbour loss against the *summed* cross entropy (CIFAR: 1e5)."""
    temperature: Positive = 1.0
    """t at the start; distances are divided by 100 / t."""
    temperature_rate: NonNegative = 0.1
    """Learning rate of t (CIFAR-100: .01)."""
    ratio: Positive = 2.0
    """Clean batches before each batch of triggers (MNIST 1, CIFAR-10 4, CIFAR-100 15)."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How the trained host is trained on; `epochs` counts passes over the clean data."""
