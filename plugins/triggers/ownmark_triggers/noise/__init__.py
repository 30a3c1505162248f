"""Zhang et al. 2018, noise: one fixed pattern added to clean images."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_triggers.papers import DEVIATIONS, THREAT_MODEL, ZHANG, mira, vanilla


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="noise",
            kind=Kind.SCHEME,
            target="ownmark_triggers.noise.scheme:Noise",
            config="ownmark_triggers.noise.config:NoiseConfig",
            summary="one fixed noise pattern added to clean images, all labelled alike",
            paper=ZHANG,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 10},
            threat_model=THREAT_MODEL,
            deviations=(
                *DEVIATIONS,
                "one fixed pattern (the SoK code draws fresh noise for every key, which is another scheme)",
            ),
            reported=(
                *vanilla("noise", 0.9357, 0.9999),
                *mira("noise", (0.99, 0.1057), (0.9413, 0.4697), (0.7667, 0.0151)),
            ),
        )
    ]
