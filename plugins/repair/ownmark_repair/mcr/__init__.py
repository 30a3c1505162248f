"""Mode connectivity repair: a point on a curve between the stolen network and a fine-tuned copy."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import MCR, app_figures


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="mcr",
            kind=Kind.ATTACK,
            target="ownmark_repair.mcr.attack:Mcr",
            config="ownmark_repair.mcr.config:McrConfig",
            summary="a point on a trained curve from the stolen network to a fine-tuned copy",
            paper=MCR,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"end": {"epochs": 1}, "recipe": {"epochs": 1}},
            idle={"t": 0.0},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "BatchNorm is measured anew on the thief's images; the APP paper's code takes the test images",
                "the curve's rate falls to a tenth at 70 % of its epochs; the code's falls along a line to a hundredth",
                "one network is stolen, so the far end is its fine-tuned copy (APP paper)",
            ),
            reported=app_figures("mcr"),
        )
    ]
