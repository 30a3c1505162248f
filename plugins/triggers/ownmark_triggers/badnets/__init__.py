"""Gu et al. 2017, BadNets: a small square that changes labels, as a mark."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="badnets",
            kind=Kind.SCHEME,
            target="ownmark_triggers.badnets.scheme:BadNets",
            config="ownmark_triggers.badnets.config:BadNetsConfig",
            summary="a small square on a tenth of the images, all to one label or each to the next",
            paper=Paper(
                title="BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain",
                authors="Gu, Dolan-Gavitt, Garg",
                year=2017,
                url="https://arxiv.org/abs/1708.06733",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"start": "trained", "recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "a backdoor, used as a mark as the laundering paper does",
                "marked images replace their clean copies, and none is of the target's class",
                "a tenth of the data is marked; size and place of the square are ours (the paper is not at hand)",
            ),
        )
    ]
