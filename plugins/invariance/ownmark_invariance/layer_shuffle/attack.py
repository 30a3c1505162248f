"""LayerShuffle: the neurons of each layer in another order (IV-B, Algorithm 1 lines 3 and 4)."""

from __future__ import annotations

from ownmark_invariance.attacking import Moves, Transforming


class LayerShuffle(Transforming):
    """Permutes the neurons of each group."""

    moves = Moves(permute=True)
