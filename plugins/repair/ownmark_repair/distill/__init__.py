"""Distillation: a student learns the stolen network's logits."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import SOK


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="distill",
            kind=Kind.ATTACK,
            target="ownmark_repair.distill.attack:Distill",
            config="ownmark_repair.distill.config:DistillConfig",
            summary="a new network, of the same or another architecture, learns the stolen one's logits",
            paper=SOK,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"recipe": {"epochs": 1}, "host": {"convnet": {"width": 0.5}}},
            threat_model="thief holds the weights and unlabelled images, in-distribution or of another dataset",
            deviations=("the divergence is a mean over images; the SoK code divides by classes as well",),
        )
    ]
