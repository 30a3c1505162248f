"""FD: feature distillation."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import DISTILLATION
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="feature_distillation",
            kind=Kind.ATTACK,
            target="ownmark_pst.feature_distillation.attack:FeatureDistillation",
            config="ownmark_pst.feature_distillation.config:FeatureDistillationConfig",
            summary="queries pass a JPEG coder that keeps low frequencies and crushes the others",
            paper=DISTILLATION,
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=(
                "one pass; images whose sides are no multiples of 8 are continued by their last pixels",
                "the PST paper tunes the strength unseen; `form: two-level` is a public port's coder",
            ),
            reported=reported("feature_distillation", "FD"),
        )
    ]
