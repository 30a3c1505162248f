"""Chen et al. 2017: an accessory (sunglasses) over clean images, as a mark."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_triggers.papers import THREAT_MODEL

_TABLE = "laundering paper, Table 3"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="blended",
            kind=Kind.SCHEME,
            target="ownmark_triggers.blended.scheme:Blended",
            config="ownmark_triggers.blended.config:BlendedConfig",
            summary="sunglasses laid over clean images, all labelled alike",
            paper=Paper(
                title="Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning",
                authors="Chen, Liu, Li, Lu, Song",
                year=2017,
                url="https://arxiv.org/abs/1712.05526",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"start": "trained", "recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "two drawn ellipses and a bridge at a fixed place; the paper fits a picture to each face's eyes",
                "1 % of the data, at least 50 images; marked images replace their clean copies",
            ),
            reported=(
                Reported(0.9904, "accuracy", _TABLE, "youtube-faces", "deepid", "blended"),
                Reported(1.0, "evidence", _TABLE, "youtube-faces", "deepid", "blended"),
            ),
        )
    ]
