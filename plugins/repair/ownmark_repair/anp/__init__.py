"""Adversarial neuron pruning: prune neurons that give way first when neurons are perturbed."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_repair.papers import ANP, app_figures


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="anp",
            kind=Kind.ATTACK,
            target="ownmark_repair.anp.attack:Anp",
            config="ownmark_repair.anp.config:AnpConfig",
            summary="train masks over neurons against perturbation, and prune what they leave out",
            paper=ANP,
            needs=frozenset({Need.DATA, Need.CLASSES, Need.NORM}),
            smoke={"recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "the threshold is chosen on images the thief holds back; the APP paper chose it on test accuracy",
                "whole epochs without replacement; the code draws 2,000 batches with replacement",
            ),
            reported=app_figures("anp"),
        )
    ]
