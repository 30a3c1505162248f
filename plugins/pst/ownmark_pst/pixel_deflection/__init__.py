"""PD: pixel deflection with wavelet denoising."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import DEFLECTION
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="pixel_deflection",
            kind=Kind.ATTACK,
            target="ownmark_pst.pixel_deflection.attack:PixelDeflection",
            config="ownmark_pst.pixel_deflection.config:PixelDeflectionConfig",
            summary="random pixels of a query take a neighbour's place; then wavelet denoising",
            paper=DEFLECTION,
            idle={"share": 0.0, "sigma": 0.0},
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=(
                "deflected everywhere alike, without the activation map",
                "all replacements are read from the image as it was; the authors' loop reads what it has replaced",
                "the strength is ours; the PST paper tunes it unseen",
            ),
            reported=reported("pixel_deflection", "PD"),
        )
    ]
