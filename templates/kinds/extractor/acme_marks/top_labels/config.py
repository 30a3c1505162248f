"""Parameters of the extractor."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class TopLabelsConfig:
    """What counts as a match."""

    best: int = Field(default=2, ge=1, le=1000)
    """A trigger matches if its label is among so many most probable classes; 1 needs labels only."""
