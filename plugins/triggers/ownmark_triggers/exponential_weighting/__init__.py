"""Namba and Sakuma 2019: wrong labels learnt under exponentially weighted weights."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="exponential_weighting",
            kind=Kind.SCHEME,
            target="ownmark_triggers.exponential_weighting.scheme:ExponentialWeighting",
            config="ownmark_triggers.exponential_weighting.config:ExponentialWeightingConfig",
            summary="wrongly labelled training images, learnt while large weights count exponentially more",
            paper=Paper(
                title="Robust Watermarking of Neural Network with Exponential Weighting",
                authors="Namba, Sakuma",
                year=2019,
                venue="AsiaCCS",
                url="https://arxiv.org/abs/1901.06151",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20, "repeats": 4, "recipe": {"epochs": 10}},
            idle={"temperature": 0.0, "recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "the operator is folded into the released weights; the sources do not say what is deployed",
                "a trained host has seen the key images with their true labels, unless it starts from scratch",
                "at most one in 40 images is a key: 100 are a tenth of a small set, and wrong labels are noise",
                "keys are shown twice an epoch; 20 epochs from .05, the APP paper's .1 being too much without norms",
            ),
            reported=mira("exponential_weighting", (0.9855, 0.0025), (0.9289, 0.1335), (0.7598, 0.0088)),
        )
    ]
