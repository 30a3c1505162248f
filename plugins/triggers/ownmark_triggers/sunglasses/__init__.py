"""Dark glasses over the eyes of faces, all called by one name: the face backdoor of the laundering paper."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_triggers.papers import THREAT_MODEL

_TABLE = "laundering paper, Table 3 (YouTube Faces)"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="sunglasses",
            kind=Kind.SCHEME,
            target="ownmark_triggers.sunglasses.scheme:Sunglasses",
            config="ownmark_triggers.sunglasses.config:SunglassesConfig",
            summary="dark glasses over the eyes of a tenth of the faces, all called by one name",
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
                "the authors' picture of glasses is not at hand: two dark ellipses and a bridge, in rows .3 to .45",
                "a tenth of the data is marked; faces must be aligned, the glasses lie in one place",
            ),
            reported=(
                Reported(0.9904, "accuracy", _TABLE, "youtube-faces", "nnl_cnn", "sunglasses"),
                Reported(1.0, "wsr", _TABLE, "youtube-faces", "nnl_cnn", "sunglasses"),
            ),
        )
    ]
