"""Decoys of keys that are born in embedding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ownmark.contracts.key import Key


class SpareKeys(ABC):
    """A scheme whose keys are born in embedding, and keep what was as good and was not embedded: decoys are made of it.

    What was embedded must have been left to chance, among that and what is kept. Then the key and its decoys are alike
    to every suspect that knows nothing of the draw, and the key's rank among them is exact.
    """

    @abstractmethod
    def decoy(self, key: Key, rng: torch.Generator) -> Key | None:
        """Another key that embedding could as well have ended with; None for one that keeps nothing to make it of.

        Args:
            key: as `embed` left it, perhaps of an earlier version.
        """
