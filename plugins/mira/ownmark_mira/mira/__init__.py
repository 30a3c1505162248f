"""MIRA: recover watermark samples by class-wise inversion, then unlearn them beside images of the thief's."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_mira.papers import MIRA, cifar10

_TABLE_4 = {
    "content": (93.1, 45.8), "noise": (93.1, 5.7), "unrelated": (92.7, 44.9), "piracy": (91.4, 41.5),
    "ewe": (93.3, 47.6), "adi": (86.0, 49.3), "frontier_stitching": (88.1, 44.3),
    "exponential_weighting": (88.2, 46.3), "blind": (90.1, 46.2), "guo": (88.5, 47.2),
}  # fmt: skip


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
            reported=cifar10("mira", "MIRA paper, Table 4 (improved)", _TABLE_4),
        )
    ]
