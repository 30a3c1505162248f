"""One rank test, read in two stages: whoever leads the first symbols alone comes first, then the best of the others.

Keys are ordered by what all of them would show, the owner's like every decoy: first the one that alone matches most of
the first symbols, if one does; then those that match some of these and have fewer than a fifth of the keys before them,
by all of their symbols; then the rest, by the first. If the suspect knows nothing of the owner's key, this is as likely
as any other to stand at each place, so its rank is a p-value whenever the reading stops: no part of the rate is spent
on looking early. Only those in between are ever read completely.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ownmark.stats import Decoys

BEFORE = 0.2
"""Share of the keys that match more of the first symbols, at which a key is given up: it will hardly claim."""


@dataclass(frozen=True)
class Staged:
    """What the first symbols show.

    Args:
        own, others: shares of them that match, of the owner's key and of each decoy.
    """

    own: float
    others: Sequence[float]

    @cached_property
    def read_on(self) -> list[int]:
        """Decoys whose order against the owner's key their further symbols tell; empty if the first decide."""
        if not self._undecided:
            return []
        return [i for i, other in enumerate(self.others) if self._stays(other) and i != self._leader]

    def rank(self, own: float | None = None, others: Sequence[float] = ()) -> Decoys:
        """The owner's place among all keys.

        Args:
            own, others: shares of all symbols that match, of the owner's key and of the decoys `read_on`; None if
                these are not read: the first symbols then tell all.
        """
        as_much = sum(other >= self.own for other in self.others)
        if own is not None and self._undecided:
            as_much = sum(other >= own for other in others) + (self._leader is not None)
        return Decoys(len(self.others), as_much, max(self.others), sum(self.others) / len(self.others))

    @property
    def _undecided(self) -> bool:
        """Whether the owner's key is not given up and does not lead alone."""
        return self._stays(self.own) and self._ahead(self.own) > 1

    @cached_property
    def _leader(self) -> int | None:
        """The decoy that leads alone, if one does."""
        best = max(self.others)
        return self.others.index(best) if self._ahead(best) == 1 else None

    def _stays(self, share: float) -> bool:
        before = len(self._shares) - bisect_right(self._shares, share)
        return share > 0 and before < BEFORE * len(self._shares)

    def _ahead(self, share: float) -> int:
        """Keys that match as much of the first symbols, itself among them."""
        return len(self._shares) - bisect_left(self._shares, share)

    @cached_property
    def _shares(self) -> list[float]:
        return sorted((self.own, *self.others))
