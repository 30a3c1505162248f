"""Guo and Potkonjak 2018, Mark: a message in secret pixels that permutes the labels."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="guo",
            kind=Kind.SCHEME,
            target="ownmark_triggers.guo.scheme:Guo",
            config="ownmark_triggers.guo.config:GuoConfig",
            summary="a message in secret pixels; each class becomes another (Mark in the MIRA paper)",
            paper=Paper(
                title="Watermarking Deep Neural Networks for Embedded Systems",
                authors="Guo, Potkonjak",
                year=2018,
                venue="ICCAD",
                url="https://doi.org/10.1145/3240765.3240862",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "labels by a secret derangement; the authors' code has (y + 1) mod 10 for any number of classes",
                "pixels overwritten with 0 and 1 (MIRA); the code adds .1 of their deviation, and all its bits are 1",
                "30 epochs from .03 in place of 150 from .1",
            ),
            reported=mira("guo", (0.9857, 0.0025), (0.9397, 0.1381), (0.6525, 0.0125)),
        )
    ]
