"""Neural attention distillation: teach the stolen network to look where a fine-tuned copy looks."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import NAD, app_figures


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="nad",
            kind=Kind.ATTACK,
            target="ownmark_repair.nad.attack:Nad",
            config="ownmark_repair.nad.config:NadConfig",
            summary="a fine-tuned copy teaches the stolen network where to look",
            paper=NAD,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"teacher": {"epochs": 1}, "recipe": {"epochs": 1}},
            idle={"teacher": {"epochs": 0}, "recipe": {"epochs": 0}},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "beta and rates are the APP paper's; the authors' are for WRN-16-1 (500, 1000, 1000; .1, then .01)",
                "the distance is a mean over images and pixels, so that one beta weighs large maps less",
            ),
            reported=app_figures("nad"),
        )
    ]
