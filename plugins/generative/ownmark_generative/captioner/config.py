"""Parameters of the captioner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Count, configuration
from ownmark.contracts import Recipe, overriding

RECIPE = Recipe(
    epochs=60, batch_size=32, optimizer="adam", lr=2e-3, momentum=0.9, weight_decay=1e-5, schedule="cosine",
    clip=5.0, channels_last=False,
)  # fmt: skip
"""Ours. IPR-IC: Adam at 1e-4, 8 epochs, then 12 at 1e-5 with the CNN, batches of 32, gradients clipped at 5."""


@configuration
class CaptionerConfig:
    """Sizes, search and training."""

    width: Count = 32
    """Channels of the CNN's first block; the third has four times as many."""
    words: Count = 64
    """Length of a word's vector (IPR-IC: 512)."""
    hidden: Count = 160
    """Units of the LSTM (IPR-IC: 512); as many bits has the mark `ipr_ic`."""
    attention: Count = 64
    """Units that compare state and places."""
    length: Count = 12
    """Words a text, its end included."""
    beam: Count = 1
    """Texts that are kept while one is looked for; 1 is greedy."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Of what the words are read from."""
    recipe: Annotated[Recipe, overriding(RECIPE)] = RECIPE
    """How it is trained."""
