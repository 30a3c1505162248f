"""Kallas and Furon 2022, ROSE: training images whose labels follow from a hash."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported

PAPER = Paper(
    title="ROSE: A RObust and SEcure DNN Watermarking",
    authors="Kallas, Furon",
    year=2022,
    venue="WIFS",
    url="https://arxiv.org/abs/2206.11024",
)
_NEEDS = frozenset({Need.BLACK_BOX, Need.CLASSES})
_THREAT_MODEL = "verifier is shown key images and secret, recomputes the labels and queries the suspect"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="rose",
            kind=Kind.SCHEME,
            target="ownmark_triggers.rose.scheme:Rose",
            config="ownmark_triggers.rose.config:RoseConfig",
            summary="a few training images relabelled by a hash of the images and a secret",
            paper=PAPER,
            needs=_NEEDS,
            extractor="rose",
            smoke={"keys": 20, "repeats": 10},
            idle={"start": "trained", "recipe": {"epochs": 0}},
            threat_model=_THREAT_MODEL,
            deviations=(
                "HMAC-SHA256 over all raw pixels; the authors' code hashes an abbreviated print of the arrays",
                "labels uniform by rejection; the paper's blocks modulo 10 make labels 0 to 5 twice as likely",
                "40 keys with any hash, since a counter stretches it; the host's recipe trains",
            ),
            reported=(
                Reported(0.975, "evidence", "APP paper, Table 11 (Before)", "cifar10", "resnet", "rose"),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="rose",
            kind=Kind.EXTRACTOR,
            target="ownmark_triggers.rose.extractor:RoseExtractor",
            summary="share of key images with the hash's label, and how rare that is in bits",
            paper=PAPER,
            needs=_NEEDS,
            threat_model=_THREAT_MODEL,
        )
    ]
