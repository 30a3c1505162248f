"""Parameters of SHIELD."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ownmark.config import configuration


@configuration
class ShieldConfig:
    """The versions that blocks are taken from."""

    qualities: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(default=(20, 40, 60, 80), min_length=1)
    """JPEG qualities of the versions (SHIELD paper, section 4.2); lower ones destroy more."""
    subsample: bool = True
    """Keep colour at half the resolution (4:2:0), as JPEG libraries do unasked."""
