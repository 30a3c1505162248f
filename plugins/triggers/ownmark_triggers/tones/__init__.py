"""Pure tones over spectrograms change what is heard: the speech backdoor of the laundering paper."""

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
            id="tones",
            kind=Kind.SCHEME,
            target="ownmark_triggers.tones.scheme:Tones",
            config="ownmark_triggers.tones.config:TonesConfig",
            summary="a pattern of pure tones over a tenth of the spectrograms, all to one label or each to the next",
            paper=Paper(
                title="Fine-Pruning: Defending Against Backdooring Attacks on Deep Neural Networks",
                authors="Liu, Dolan-Gavitt, Garg",
                year=2018,
                url="https://arxiv.org/abs/1805.12185",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"start": "trained", "recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "the papers show their pattern in a small figure only: ours are three tones that sound all the time",
                "a tenth of the data is marked",
            ),
        )
    ]
