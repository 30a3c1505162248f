"""What an extractor reads out of a suspect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Measured:
    """A rate measured on n trials; reports put an interval beside it."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """hits / n, nan for no trials."""
        return self.hits / self.n if self.n else float("nan")


@dataclass(frozen=True)
class Evidence:
    """Message symbols that match or do not.

    Args:
        matches: bool [n]; one entry a message bit or a trigger.
        chance: probability that a symbol matches on an unmarked network, where the key's construction fixes it
            (1/2 for random bits, 1/classes for random labels) and the symbols are independent; None where only null
            models can tell.
        symbol: what one entry is, `"bit"` or `"label"`.
        extras: further findings by name (decoded text, accuracy of a private branch, ...).
    """

    matches: Tensor
    chance: float | None = None
    symbol: str = "bit"
    extras: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def hits(self) -> int:
        """Symbols that match."""
        return int(self.matches.sum())

    @property
    def n(self) -> int:
        """Symbols read."""
        return int(self.matches.numel())

    @property
    def rate(self) -> float:
        """Share of symbols that match: watermark accuracy; 1 - BER for bits."""
        return self.hits / self.n if self.n else 0.0
