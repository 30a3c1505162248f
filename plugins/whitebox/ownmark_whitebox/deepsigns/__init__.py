"""Rouhani, Chen, Koushanfar 2019: a message in the mean activations of one class."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_whitebox.tables import table_one

PAPER = Paper(
    title="DeepSigns: An End-to-End Watermarking Framework for Ownership Protection of Deep Neural Networks",
    authors="Rouhani, Chen, Koushanfar",
    year=2019,
    venue="ASPLOS",
    url="https://arxiv.org/abs/1804.00750",
)

_TABLE = "Table II of the invariant-neuron-transform paper"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="deepsigns",
            kind=Kind.SCHEME,
            target="ownmark_whitebox.deepsigns.scheme:DeepSigns",
            config="ownmark_whitebox.deepsigns.config:DeepSignsConfig",
            summary="a message in secret projections of a class's mean activation in one layer",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX, Need.CLASSES}),
            extractor="deepsigns",
            smoke={"bits": 32, "images": 64},
            idle={"scale": 0, "gamma": 0},
            threat_model="verifier holds the suspect's weights; layer, projection, message, target class and key "
            "images are secret",
            deviations=(
                "positions are averaged, as photographs give each the same mean; the authors flatten (`pooled: false`)",
                "each class has rows of the projection of its own, so that bits are independent on unmarked networks",
                "the distance to a centre is a mean over images and positions, not a sum, with the weight raised to "
                "match; a sum over the positions of a convolution makes training unstable",
                "the term that separates centres is left out; it does not touch extraction",
                "activations are taken before the non-linearity, as the invariance paper describes; the authors' demo "
                "takes them after a ReLU (`activation: post`)",
                "the key images are drawn once and kept; the authors redraw half of the class at each extraction",
                "centres have an optimiser of their own (Adam), as in Lukas et al.'s toolbox, and start at the class "
                "means; after a ReLU they are kept from turning negative, where no activation could follow",
            ),
            reported=(
                Reported(0.8994, "accuracy", _TABLE, "cifar10", "wide_resnet", "deepsigns"),
                Reported(1.0, "evidence", _TABLE, "cifar10", "wide_resnet", "deepsigns"),
                *table_one(ambiguity=True),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="deepsigns",
            kind=Kind.EXTRACTOR,
            target="ownmark_whitebox.deepsigns.extractor:DeepSignsExtractor",
            summary="signs of the secret projections of the key images' mean activation",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX}),
        )
    ]
