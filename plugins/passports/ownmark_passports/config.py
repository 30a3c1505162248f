"""Parameters that both schemes share."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, NonNegative, configuration
from ownmark.contracts import Recipe, overriding

MESSAGE = "this is my signature"

EMBEDDING = Recipe(epochs=30, batch_size=64, lr=0.05, schedule="cosine", clip=5.0)
"""Fine-tuning that writes the passports into a trained network. Ours: at the authors' rate of 0.01 the layer that reads
images is too slow for a few hundred steps; unclipped, 0.1 diverges."""


@configuration
class PassportConfig:
    """What the passports are, where they sit, and how hard their signature is pressed in."""

    message: str = MESSAGE
    """Signature, 8 bits a byte of its UTF-8 form, one channel a bit; further channels carry random bits, and with an
    empty text all do. 160 bits by default (Table II of the invariant-neuron-transform paper)."""
    passports: Literal["random", "shuffled"] = "random"
    """Uniform noise in (-1, 1), or activations of the owner's images in the trained host with their channels
    shuffled (both: authors' code)."""
    images: Count = 20
    """Images behind `shuffled` passports (authors' code)."""
    alpha: NonNegative = 0.1
    """Weight of the sign loss, which is a sum over channels (authors' command line)."""
    margin: NonNegative = 0.1
    """How far from zero the hinge pushes every scale (authors' code)."""
    start: Literal["scratch", "trained"] = "scratch"
    """Embed while training from scratch with the host's recipe (papers), or fine-tune a trained host."""
    recipe: Annotated[Recipe, overriding(EMBEDDING)] = EMBEDDING
    """How a trained host is fine-tuned; unused when starting from scratch."""
