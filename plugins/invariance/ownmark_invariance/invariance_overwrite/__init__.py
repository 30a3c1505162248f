"""Overwriting at no cost: the attacker's bits into the signs of gammas, or of what his passports read (VII-C)."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_invariance.papers import INVARIANCE


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="invariance_overwrite",
            kind=Kind.ATTACK,
            target="ownmark_invariance.invariance_overwrite.attack:InvarianceOverwrite",
            config="ownmark_invariance.invariance_overwrite.config:OverwriteConfig",
            summary="the attacker's bits into the signs of gammas or of his own passports' scales; answers stay",
            paper=INVARIANCE,
            api=3,
            threat_model="thief holds the weights, and no data; he later claims the network with a key of his own",
            deviations=(
                "the paper claims it for DeepIPR, which has GroupNorm: there one sign a group is free, bits stay wrong",
            ),
        )
    ]
