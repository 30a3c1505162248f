"""Le Merrer et al. 2019: adversarial images stitched to their true labels (PST's Perturbation, MIRA's AFS)."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira, pst

PAPER = Paper(
    title="Adversarial Frontier Stitching for Remote Neural Network Watermarking",
    authors="Le Merrer, Perez, Tredan",
    year=2019,
    venue="Neural Computing and Applications",
    url="https://arxiv.org/abs/1711.01894",
)


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="frontier_stitching",
            kind=Kind.SCHEME,
            target="ownmark_triggers.frontier_stitching.scheme:FrontierStitching",
            config="ownmark_triggers.frontier_stitching.config:FrontierStitchingConfig",
            summary="adversarial images at the boundary, half of them across it, stitched to their true labels",
            paper=PAPER,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES, Need.EMBEDDED_KEY}),
            extractor="frontier_stitching",
            smoke={"keys": 100},
            idle={"recipe": {"epochs": 0}},
            threat_model=THREAT_MODEL,
            deviations=(
                "keys join the training set, ten times each; the paper fine-tunes until they are known",
                "perturbations are bounded and cut off in pixel space, before normalisation",
                "eps by image size; the paper's .25 is for MNIST",
            ),
            reported=(
                *mira("frontier_stitching", (0.9873, 0.1506), (0.9296, 0.2103), (0.6576, 0.0813)),
                *pst("frontier_stitching"),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="frontier_stitching",
            kind=Kind.EXTRACTOR,
            target="ownmark_triggers.frontier_stitching.extractor:FrontierStitchingExtractor",
            summary="share of stitched keys with their true label, true and false adversaries apart",
            paper=PAPER,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            threat_model=THREAT_MODEL,
        )
    ]
