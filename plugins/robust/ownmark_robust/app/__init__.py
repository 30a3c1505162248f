"""Gan et al. 2023: triggers that the worst neighbours of a network know too."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_robust.papers import APP, THREAT_MODEL

_TABLE_1 = (("accuracy", 0.9342), ("wsr", 0.9987))
"""Content, before attacks."""


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="app",
            kind=Kind.SCHEME,
            target="ownmark_robust.app.scheme:App",
            config="ownmark_robust.app.config:AppConfig",
            summary="hardens another scheme's triggers: the worst neighbours of the network are taught them too",
            paper=APP,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"trigger": {"adi": {"keys": 20}}, "repeats": 4, "triggers_a_step": 8, "clean_a_step": 24},
            threat_model=THREAT_MODEL,
            deviations=(
                "clean data hold the triggers and each weight moves by itself, as in the authors' code; the paper's "
                "equations have `clean: pure` and `scope: global`",
                "triggers are not augmented unless asked for (the authors' code augments them)",
            ),
            reported=tuple(
                Reported(value, metric, "APP paper, Table 1 (Ours, Content)", "cifar10", "resnet", "app")
                for metric, value in _TABLE_1
            ),
        )
    ]
