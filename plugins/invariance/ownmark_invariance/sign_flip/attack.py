"""SignFlip: neurons in front of a norm change their sign, which its gamma takes back (IV-B, Algorithm 1 lines 7, 8)."""

from __future__ import annotations

from ownmark_invariance.attacking import Moves, Transforming


class SignFlip(Transforming):
    """Flips the sign of each neuron with probability 1/2."""

    moves = Moves(flip=True)
