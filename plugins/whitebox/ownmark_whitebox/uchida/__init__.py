"""Uchida et al. 2017: a message in the averaged filters of one convolution."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_whitebox.tables import table_one

PAPER = Paper(
    title="Embedding Watermarks into Deep Neural Networks",
    authors="Uchida, Nagai, Sakazawa, Satoh",
    year=2017,
    venue="ICMR",
    url="https://arxiv.org/abs/1701.04082",
)

_TABLE = "Table II of the invariant-neuron-transform paper"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="uchida",
            kind=Kind.SCHEME,
            target="ownmark_whitebox.uchida.scheme:Uchida",
            config="ownmark_whitebox.uchida.config:UchidaConfig",
            summary="a message in the signs of secret projections of one convolution's mean filter",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX}),
            extractor="uchida",
            smoke={"bits": 16},
            idle={"strength": 0.0},
            threat_model="verifier holds the suspect's weights; layer, projection and message are secret",
            deviations=(
                "160 bits of text as in Table II of the invariance paper; the authors' demo writes 256 ones",
                "the host's recipe trains; the authors used 200 epochs, batch 64, nesterov SGD",
                "layer chosen as the convolution with the most input weights; the authors name one of a WRN",
            ),
            reported=(
                Reported(0.9155, "accuracy", _TABLE, "cifar10", "wide_resnet", "uchida"),
                Reported(1.0, "evidence", _TABLE, "cifar10", "wide_resnet", "uchida"),
                *table_one(overwriting=True, ambiguity=True),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="uchida",
            kind=Kind.EXTRACTOR,
            target="ownmark_whitebox.uchida.extractor:UchidaExtractor",
            summary="signs of the secret projections of a layer's mean filter, compared with the message",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX}),
        )
    ]
