"""LayerShuffle: the neurons of each layer in another order (IV-B, Algorithm 1 lines 3 and 4)."""

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
            id="layer_shuffle",
            kind=Kind.ATTACK,
            target="ownmark_invariance.layer_shuffle.attack:LayerShuffle",
            config="ownmark_invariance.config:TransformConfig",
            summary="neurons change places, with everything that reads them; answers stay",
            paper=INVARIANCE,
            idle={"alpha": 0.0},
            api=3,
            threat_model="thief holds the weights, and neither data nor any knowledge of the scheme",
            deviations=(
                "channels that are summed or concatenated move as the graph demands; the paper states shortcuts only",
            ),
            reported=reported("layer_shuffle"),
        )
    ]
