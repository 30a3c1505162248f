"""Does a suspect know the task? Clean images are asked first: who does not know them is nobody's copy.

A trigger with one target class proves nothing against a suspect that answers one label to everything, and random
answers match some of any key. So a claim on answers needs a suspect that beats the best constant answer, and that is
about as good as the marked network, of which it would be a copy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ownmark.stats.exact import binomial_tail

KNOWS = 0.01
"""Chance of a constant answer to pass for knowledge, and of a network that keeps `KEEPS` to fail for lack of it."""
KEEPS = 0.9
"""Share of the marked network's accuracy below which a suspect has lost its worth (MIRA's criterion)."""


@dataclass(frozen=True)
class Knowing:
    """How a suspect answers clean images.

    Args:
        right, n: answered rightly, of how many. constant: of these, how many the best constant answer gets right.
        reference: how many the marked network gets right; None if that was not kept (marks of version 0.1).
    """

    right: int
    n: int
    constant: int
    reference: int | None = None

    @property
    def powerful(self) -> bool:
        """Whether a network that knows everything would pass."""
        return self.n > 0 and binomial_tail(self.n, self.n, self.constant / self.n) < KNOWS

    @property
    def beats_constant(self) -> bool:
        """Whether one label for everything is this good with a probability below 1 %."""
        return self.powerful and binomial_tail(self.right, self.n, self.constant / self.n) < KNOWS

    @property
    def near(self) -> bool:
        """Whether it may well keep 90 % of the marked network's accuracy: fewer right answers would be a 1 % event."""
        if self.reference is None:
            return True
        wrong = binomial_tail(self.n - self.right, self.n, 1 - KEEPS * self.reference / self.n)
        return wrong >= KNOWS

    @property
    def knows(self) -> bool:
        """Whether what the suspect says of triggers can prove anything."""
        return self.beats_constant and self.near

    @property
    def reason(self) -> str:
        """Why it cannot; empty if it can."""
        said = f"{self.right} of {self.n} clean images are answered rightly"
        if not self.powerful:
            return (
                f"the {self.n} clean images cannot tell who knows the task: one label for all of them is right on "
                f"{self.constant}, so even a perfect copy would fail"
            )
        if not self.beats_constant:
            return (
                f"{said}, one label for all of them gets {self.constant}: the suspect does not know the task"
            )
        if not self.near:
            return f"{said}, {self.reference} by the marked network: the suspect does not know the task as a copy does"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with what follows."""
        return {**asdict(self), "knows": self.knows, "powerful": self.powerful}
