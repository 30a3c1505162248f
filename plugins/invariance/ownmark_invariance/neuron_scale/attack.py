"""NeuronScale: each neuron times a factor, its readers divided by it (IV-B, Algorithm 1 lines 5 and 6)."""

from __future__ import annotations

from ownmark_invariance.attacking import Moves, Transforming


class NeuronScale(Transforming):
    """Scales each neuron by a power of two."""

    moves = Moves(scale=True)
