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
                "chroma keeps its resolution",
                "one pass, with the quantisation table of a public port; the strength is ours",
            ),
            reported=reported("feature_distillation", "FD"),
        )
    ]
