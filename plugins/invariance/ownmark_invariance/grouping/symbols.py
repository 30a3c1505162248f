"""One kind of symbol (permutation, scale or sign): allocation, ties, freezes, and the classes they amount to.

Every channel of every tensor carries one symbol of each kind. Ties and freezes are only written down while
the network is walked; `solve` finds the connected components of all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
FROZEN = 0
"""The symbol, and after solving the class, of everything that must stay as it is."""


@dataclass(frozen=True)
class Classes:
    """The solved symbols. `of` [symbols] is the class of each; class 0 is frozen. `why` [symbols] indexes `reasons`."""

    of: Ints
    count: int
    why: Ints
    reasons: tuple[str, ...]

    def reason(self, symbols: Ints) -> str:
        """The first reason for which any of these symbols is frozen, or the empty string."""
        frozen = symbols[self.of[symbols] == FROZEN]
        return self.reasons[int(self.why[frozen].min())] if frozen.size else ""


class Symbols:
    """Integers from 0 on; 0 is the frozen symbol, so an array of zeros means 'nothing may be done here'."""

    def __init__(self) -> None:
        self.count = 1
        self._ties: list[tuple[Ints, Ints]] = []
        self._freezes: list[tuple[Ints, int]] = []
        self._reasons: dict[str, int] = {}

    def fresh(self, shape: tuple[int, ...]) -> Ints:
        """New symbols, all different, in an array of this shape."""
        size = int(np.prod(shape, dtype=np.int64))
        start, self.count = self.count, self.count + size
        return np.arange(start, self.count, dtype=np.int64).reshape(shape)

    def tie(self, a: Ints, b: Ints, reason: str) -> None:
        """Make the symbols at equal places one class; what meets the frozen symbol freezes, for `reason`."""
        a, b = (side.ravel() for side in np.broadcast_arrays(a, b))
        self.freeze(np.where(a == FROZEN, b, np.where(b == FROZEN, a, FROZEN)), reason)
        live = (a != b) & (a != FROZEN) & (b != FROZEN)
        if live.any():
            self._ties.append((a[live], b[live]))

    def freeze(self, symbols: Ints, reason: str) -> None:
        """Let nothing be done to these symbols."""
        live = np.unique(symbols[symbols != FROZEN])
        if live.size:
            self._freezes.append((live, self._reasons.setdefault(reason, len(self._reasons))))

    def solve(self) -> Classes:
        """Connected components of the ties; components that hold a frozen symbol become class 0."""
        root = components(self.count, self._ties)
        why = np.full(self.count, len(self._reasons), dtype=np.int64)
        for symbols, reason in self._freezes:
            np.minimum.at(why, root[symbols], reason)
        why = why[root]
        frozen = why < len(self._reasons)
        frozen[FROZEN] = True
        why[FROZEN] = len(self._reasons)
        _, dense = np.unique(np.where(frozen, FROZEN, root), return_inverse=True)
        return Classes(dense, int(dense.max()) + 1, why, (*self._reasons, "network input or frozen tensor"))


def components(count: int, ties: list[tuple[Ints, Ints]]) -> Ints:
    """The smallest member of the connected component of each of `count` nodes (hooking and pointer jumping)."""
    root = np.arange(count, dtype=np.int64)
    if not ties:
        return root
    left, right = (np.concatenate(side) for side in zip(*ties, strict=True))
    while True:
        a, b = root[left], root[right]
        if np.array_equal(a, b):
            return root
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(root, jumped := root[root]):
            root = jumped
