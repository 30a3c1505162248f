"""Gaussian noise on every weight."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="weight_noise",
            kind=Kind.ATTACK,
            target="acme_marks.weight_noise.attack:WeightNoise",
            config="acme_marks.weight_noise.config:WeightNoiseConfig",
            summary="Gaussian noise on every weight, in proportion to its layer's spread",
            smoke={"amount": 0.1},
            idle={"amount": 0},
            threat_model="thief holds the weights and no data",
            deviations=("no paper: an example, written for this pack",),
            api=2,
        )
    ]
