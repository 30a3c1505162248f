"""SignFlip: neurons in front of a norm change their sign, which its gamma takes back (IV-B, Algorithm 1 lines 7, 8)."""

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
            id="sign_flip",
            kind=Kind.ATTACK,
            target="ownmark_invariance.sign_flip.attack:SignFlip",
            config="ownmark_invariance.config:TransformConfig",
            summary="neurons in front of a norm or an odd activation change their sign; answers stay",
            paper=INVARIANCE,
            idle={"alpha": 0.0},
            api=3,
            threat_model="thief holds the weights, and neither data nor any knowledge of the scheme",
            deviations=(
                "one sign a group of GroupNorm, one for all of LayerNorm; the paper flips single neurons, which fails",
            ),
            reported=reported("sign_flip"),
        )
    ]
