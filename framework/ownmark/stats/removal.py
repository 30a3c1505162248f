"""When an attack counts as a removal: the claim is gone and the model is still worth having."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Outcome(str, Enum):
    """What an attack came to."""

    REMOVED = "removed"
    """The claim was lost and the utility was not."""
    SURVIVED = "survived"
    """Ownership can still be claimed, whatever became of the utility."""
    UTILITY_LOST = "utility-lost"
    """The claim was lost and so was the utility: no success of the attacker."""
    UNREADABLE = "unreadable"
    """The extractor cannot read the suspect any more, and the utility is kept: as good as removed."""
    NEVER_MARKED = "never-marked"
    """There was no claim before the attack, so nothing to remove."""
    UNDECIDED = "undecided"
    """The test has no power to decide: a verdict before or after the attack is missing."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class RemovalCriterion:
    """How much utility an attacked model must keep. MIRA: ('relative', 0.9); SoK: ('absolute', 0.05)."""

    kind: Literal["relative", "absolute"]
    """relative: keep at least this fraction of the utility. absolute: lose strictly less than this."""
    amount: float
    """A fraction in (0, 1], or a positive loss in the metric's unit (5 points of accuracy: 0.05)."""

    def __post_init__(self) -> None:
        if self.kind not in ("relative", "absolute"):
            raise ValueError(f"kind must be 'relative' or 'absolute', got {self.kind!r}")
        if not 0 < self.amount < math.inf or (self.kind == "relative" and self.amount > 1):
            raise ValueError(f"amount must be positive, and at most 1 if relative; got {self.amount}")

    def utility_survives(self, before: float, after: float | None, higher_is_better: bool = True) -> bool:
        """Whether ``after`` is enough of ``before`` (same metric, same unit). Not finite after, or None: it is not.

        relative: after >= amount * before, or amount * after <= before where lower is better (FID). absolute:
        the loss is < amount. Differences of 1e-9 are rounding: 0.95 -> 0.90 has lost its 5 points. Of a utility of 0
        where higher is better nothing can survive.

        Errors: ValueError for a ``before`` that is not finite, or a negative one under a relative criterion.
        """
        if not math.isfinite(before) or (self.kind == "relative" and before < 0):
            raise ValueError(f"a {self.kind} criterion cannot judge a utility of {before} before the attack")
        if after is None or not math.isfinite(after) or (higher_is_better and before == 0):
            return False
        if self.kind == "absolute":
            return (before - after if higher_is_better else after - before) < self.amount - 1e-9
        kept = after - self.amount * before if higher_is_better else before - self.amount * after
        return kept >= -1e-9


def is_removed(
    claim_before: bool | None, claim_after: bool | None, survives: bool, readable: bool = True
) -> Outcome:
    """The `Outcome` from the claims before and after the attack (None: undecided) and whether the utility survives.

    A suspect that is not `readable` makes no claim.

    MIRA counts S < 0.5 *and* utility kept as a success; S < 0.5 is the same as no claim (see `rescale`).
    """
    if claim_before is None or (claim_before and readable and claim_after is None):
        return Outcome.UNDECIDED
    if not claim_before:
        return Outcome.NEVER_MARKED
    if claim_after and readable:
        return Outcome.SURVIVED
    if not survives:
        return Outcome.UTILITY_LOST
    return Outcome.REMOVED if readable else Outcome.UNREADABLE
