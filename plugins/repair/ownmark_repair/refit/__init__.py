"""REFIT: a decaying rate, elastic weights, unlabelled images."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import REFIT


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="refit",
            kind=Kind.ATTACK,
            target="ownmark_repair.refit.attack:Refit",
            config="ownmark_repair.refit.config:RefitConfig",
            summary="fine-tuning at a large decaying rate, with elastic weights and unlabelled images if asked for",
            paper=REFIT,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"ewc": 10.0, "fisher_samples": 32, "recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and few images, labelled or not, and perhaps a transfer set",
            deviations=(
                "transfer images are normalised as the network normalises; the code uses their own statistics",
                "the Fisher information is estimated on the thief's images, each seen once",
            ),
        )
    ]
