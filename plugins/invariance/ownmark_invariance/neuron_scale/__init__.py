"""NeuronScale: each neuron times a factor, its readers divided by it (IV-B, Algorithm 1 lines 5 and 6)."""

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
            id="neuron_scale",
            kind=Kind.ATTACK,
            target="ownmark_invariance.neuron_scale.attack:NeuronScale",
            config="ownmark_invariance.config:ScaleConfig",
            summary="neurons are scaled by powers of two, and what reads them by the inverse; answers stay",
            paper=INVARIANCE,
            idle={"alpha": 0.0},
            api=3,
            threat_model="thief holds the weights, and neither data nor any knowledge of the scheme",
            deviations=(
                "the exact form of the variance, lambda^2 (var + eps) - eps; the paper scales sigma and ignores eps",
                "nothing is scaled in front of GroupNorm, LayerNorm, InstanceNorm (eps would show); behind them all is",
            ),
            reported=reported("neuron_scale"),
        )
    ]
