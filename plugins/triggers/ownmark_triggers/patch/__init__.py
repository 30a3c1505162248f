"""A fixed patch on clean images, as in the PST paper."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_triggers.papers import THREAT_MODEL, ZHANG, pst


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="patch",
            kind=Kind.SCHEME,
            target="ownmark_triggers.patch.scheme:Patch",
            config="ownmark_triggers.patch.config:PatchConfig",
            summary="a small secret patch in a corner of clean images, all labelled alike",
            paper=ZHANG,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"start": "trained", "recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "the PST paper gives neither size, place, pattern nor target of its patch: ours is a secret "
                "half-white pattern in the lower right corner, target 0",
                "the host's recipe in place of at least 60 epochs; then, as there, until every key is known",
                "triggers are not augmented unless asked for: a crop would cut the patch off",
            ),
            reported=pst("patch"),
        )
    ]
