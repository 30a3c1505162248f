"""Jia et al. 2021, entangled watermarks: triggers that share their representation with a class."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira

PAPER = Paper(
    title="Entangled Watermarks as a Defense against Model Extraction",
    authors="Jia, Choquette-Choo, Chandrasekaran, Papernot",
    year=2021,
    venue="USENIX Security",
    url="https://www.usenix.org/conference/usenixsecurity21/presentation/jia",
)


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="ewe",
            kind=Kind.SCHEME,
            target="ownmark_triggers.ewe.scheme:Ewe",
            config="ownmark_triggers.ewe.config:EweConfig",
            summary="patched images of one class, entangled with another by the soft nearest neighbour loss",
            paper=PAPER,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES, Need.EMBEDDED_KEY}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "triggers are patched images of the owner's own data (MIRA); the authors' code takes another data set "
                "for images, as `source` does here",
                "source and target class are drawn with the key; the authors name them for each data set",
                "entangled are the inputs of the network's last three layers (pooled to at most 4 x 4)",
                "trigger batches see BatchNorm's running statistics and leave them alone",
                "Adam's second beta is .999 (authors: .99); at most 500 triggers",
            ),
            reported=mira("ewe", (0.9886, 0.0025), (0.9397, 0.0450), (0.6773, 0.0059)),
        )
    ]
