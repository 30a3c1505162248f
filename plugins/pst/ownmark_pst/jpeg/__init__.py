"""JPEG in front of the network."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import SOK


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="jpeg",
            kind=Kind.ATTACK,
            target="ownmark_pst.jpeg.attack:Jpeg",
            config="ownmark_pst.jpeg.config:JpegConfig",
            summary="queries are compressed with JPEG",
            paper=SOK,
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=(
                "floating point on the device; single pixels may be tens of grey levels off a library's (card)",
            ),
        )
    ]
