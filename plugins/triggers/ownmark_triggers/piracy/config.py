"""Parameters of the piracy-resistant scheme."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Count, Positive, Whole, configuration
from ownmark_triggers.config import FinishConfig


@configuration
class PiracyConfig(FinishConfig):
    """The signed statement, the pattern it becomes, and how both embeddings are trained."""

    message: str = Field(default="ownmark 2025-01-01T00:00:00Z", min_length=1)
    """What the owner signs: who, and when."""
    side: Count | None = None
    """Side n of the n x n bit block; None takes 6 (Lederer et al.), on small images a third of the shorter side."""
    strength: Positive = 2.5
    """lambda: bits become pixels of -lambda and lambda. Pixels are else in [0, 1] and built-in hosts divide by .25,
    so 2.5 is ten deviations. Recalled of the paper: 2000."""
    clip: bool = False
    """Cut the pattern off at 0 and 1, for prediction interfaces that accept nothing else."""
    target: Whole | None = None
    """Label of the true embedding; None takes it from the signature (MIRA: 6)."""
    share: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of each batch with the null embedding, and as much again with the true one; 0 marks nothing."""
    keys: Whole = 0
    """Images that verify; 0 takes 1 % of the owner's data, and at least 50 (MIRA: 1 %)."""
