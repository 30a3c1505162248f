"""GB: Gaussian blur."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_pst.papers import CORRUPTIONS
from ownmark_pst.table1 import reported


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="gaussian_blur",
            kind=Kind.ATTACK,
            target="ownmark_pst.gaussian_blur.attack:GaussianBlur",
            config="ownmark_pst.gaussian_blur.config:GaussianBlurConfig",
            summary="queries are blurred",
            paper=CORRUPTIONS,
            idle={"sigma": 0.0},
            threat_model="thief holds the weights and no data; transforms queries",
            deviations=("the strength is ours; the PST paper tunes it unseen",),
            reported=reported("gaussian_blur", "GB"),
        )
    ]
