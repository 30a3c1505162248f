"""The unified attack: LayerShuffle, NeuronScale and SignFlip on the same neurons (Algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_invariance.papers import INVARIANCE, reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="unified",
            kind=Kind.ATTACK,
            target="ownmark_invariance.unified.attack:Unified",
            config="ownmark_invariance.config:ScaleConfig",
            summary="order, scale and sign of neurons at once, at no loss and without data (Algorithm 1)",
            paper=INVARIANCE,
            idle={"alpha": 0.0},
            api=3,
            threat_model="thief holds the weights, and neither data nor any knowledge of the scheme",
            deviations=(
                "the exact form of the variance, lambda^2 (var + eps) - eps; the paper scales sigma and ignores eps",
                "one sign a group of GroupNorm, one for all of LayerNorm; the paper flips single neurons, which fails",
            ),
            reported=reported("unified"),
        )
    ]
