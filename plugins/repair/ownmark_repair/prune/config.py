"""Parameters of pruning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import configuration


@configuration
class PruneConfig:
    """How much, and what competes with what."""

    sparsity: float = Field(default=0.8, ge=0, lt=1)
    """Share of the weights that become zero (MIRA paper, appendix: 80 %)."""
    scope: Literal["global", "layer"] = "global"
    """All layers in one pool, or each layer its own share."""
