"""The unified attack: LayerShuffle, NeuronScale and SignFlip on the same neurons (Algorithm 1)."""

from __future__ import annotations

from ownmark_invariance.attacking import Moves, Transforming


class Unified(Transforming):
    """Permutes, scales and flips the neurons of each group."""

    moves = Moves(permute=True, scale=True, flip=True)
