"""Parameters of pruning."""

from __future__ import annotations

from typing import Literal

from ownmark.config import Fraction, configuration


@configuration
class PruneConfig:
    """How much, and what competes with what."""

    sparsity: Fraction = 0.8
    """Share of the weights that become zero (MIRA paper, appendix: 80 %)."""
    scope: Literal["global", "layer"] = "global"
    """All layers in one pool, or each layer its own share."""
