"""Retraining: a new network learns from the stolen one's answers."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import SOK


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="retrain",
            kind=Kind.ATTACK,
            target="ownmark_repair.retrain.attack:Retrain",
            config="ownmark_repair.retrain.config:RetrainConfig",
            summary="a network of the thief's choice learns from the stolen one's answers to queries",
            paper=SOK,
            needs=frozenset({Need.BLACK_BOX, Need.DATA, Need.CLASSES}),
            api=2,
            smoke={"recipe": {"epochs": 1}, "host": {"convnet": {"width": 0.5}}},
            threat_model="thief asks about images, in-distribution or not, and gets scores or labels; no weights",
            deviations=("images are those that the plan grants; the SoK takes the whole training set",),
        )
    ]
