"""Parameters of the alignment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import Count, Nested, configuration
from ownmark.methods import Kind


@configuration
class AlignConfig:
    """What reads the aligned suspect, and what the neurons are compared on."""

    extractor: Annotated[Nested | None, Kind.EXTRACTOR] = None
    """The extractor that reads the aligned suspect; left open, the scheme's own."""
    images: int = Field(default=16, ge=2, le=1_000_000)
    """Noise images on which the activations of both networks are compared."""
    shape: tuple[Count, Count, Count] | None = None
    """Channels, height and width of an input; left open, the first of some usual sizes that the owner's copy takes."""
