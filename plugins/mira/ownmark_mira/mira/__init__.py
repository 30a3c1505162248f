"""MIRA: recover watermark samples by class-wise inversion, then unlearn them beside images of the thief's."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_mira.papers import MIRA
from ownmark_mira.tables import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="mira",
            kind=Kind.ATTACK,
            target="ownmark_mira.mira.attack:Mira",
            config="ownmark_mira.mira.config:MiraConfig",
            summary="recover watermark samples by class-wise inversion and unlearn them beside the thief's images",
            paper=MIRA,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"samples": 6, "iterations": 3, "draws": 2, "recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and a few images, labelled or of another dataset without labels",
            deviations=(
                "priors per pixel and per image, since the paper's sums would leave nothing but total variation",
                "every row of a step counts the same: half auxiliary images, half recovered ones (code: 1/2, 1/2)",
                "noise in pixels: sigma_1 = .5 in network units is .125 where std is .25, as in the built-in hosts",
                "the divergence of the basic objective as in the code: KL(uniform || answer), weight 15 / C a picture",
            ),
            reported=tuple(reported("mira")),
        )
    ]
