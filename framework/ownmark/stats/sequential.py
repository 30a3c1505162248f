"""Few queries: tests that may stop early and keep their rate.

`Betting` tests symbols whose chance is known, one by one, and may be looked at after every one of them: its wealth is
an e-value, and by Ville's inequality it reaches 1 / rate with probability at most `rate` if nothing is there. `Looks`
splits a rate over a few looks at a rank test, which is valid by the union bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ownmark.stats.decoys import least_decoys
from ownmark.stats.intervals import check_open_unit


@dataclass
class Betting:
    """Wealth of a bettor who stakes on matches of symbols that match with probability at most `chance`.

    The stake follows Krichevsky and Trofimov: the rate that matches had so far, (hits + 1/2) / (n + 1), is bet on
    whenever it is above `chance`; no tuning, and symbols that always match multiply the wealth by up to 1 / chance.

    Attributes:
        log_wealth: natural logarithm; 0 at the start. highest: the most it ever was.
    """

    chance: float
    hits: int = 0
    n: int = 0
    log_wealth: float = 0.0
    highest: float = 0.0

    def __post_init__(self) -> None:
        check_open_unit("chance", self.chance)

    def see(self, matches: bool) -> float:
        """One more symbol. Returns: the p-value that holds at every moment, 1 / highest wealth."""
        believed = max(self.chance, (self.hits + 0.5) / (self.n + 1))
        won = believed / self.chance if matches else (1 - believed) / (1 - self.chance)
        self.hits, self.n = self.hits + matches, self.n + 1
        self.log_wealth += math.log(won)
        self.highest = max(self.highest, self.log_wealth)
        return self.p_value

    @property
    def p_value(self) -> float:
        """P[wealth is ever this high] if nothing is there, at most."""
        return math.exp(-self.highest)


def symbols_to_claim(matches: Iterable[bool], chance: float, rate: float) -> int | None:
    """How many symbols a `Betting` takes until it claims at ``rate``; None if they do not suffice.

    Errors: ValueError for a chance or a rate outside (0, 1).
    """
    check_open_unit("rate", rate)
    bettor = Betting(chance)
    for count, matched in enumerate(matches, start=1):
        if bettor.see(matched) <= rate * (1 + 1e-12):
            return count
    return None


@dataclass(frozen=True)
class Looks:
    """A rank test looked at twice: after `first` of `n` symbols of every key, and after all of them.

    Each look has half of the rate. After the first the test may also give up, which costs no rate: a key that more than
    a fifth of the decoys match will hardly claim.
    """

    rate: float
    n: int
    share: float = 0.1
    hopeless: float = 0.2

    def __post_init__(self) -> None:
        check_open_unit("rate", self.rate)
        if self.n < 1 or not 0 < self.share < 1:
            raise ValueError(f"needs n >= 1 and a share in (0, 1), got {self.n} and {self.share}")

    @property
    def first(self) -> int:
        """Symbols of each key at the first look: a tenth, at least 5, at most all."""
        return min(self.n, max(5, math.ceil(self.share * self.n)))

    @property
    def each(self) -> float:
        """The rate of one look."""
        return self.rate / 2

    @property
    def decoys(self) -> int:
        """Fewest decoys that a claim at one look takes: 39 for 0.05."""
        return least_decoys(self.each)

    def decided(self, p_value: float) -> bool | None:
        """What the first look says: a claim, no claim, or (None) that the second is needed."""
        if p_value <= self.each * (1 + 1e-12):
            return True
        return False if p_value > self.hopeless else None
