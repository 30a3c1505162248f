"""Lukas et al. 2021, conferrable adversarial examples: a fingerprint that copies inherit and strangers do not share."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_triggers.papers import THREAT_MODEL

PAPER = Paper(
    title="Deep Neural Network Fingerprinting by Conferrable Adversarial Examples",
    authors="Lukas, Zhang, Kerschbaum",
    year=2021,
    venue="ICLR",
    url="https://openreview.net/forum?id=VqzVhqxkjH1",
)


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="cae",
            kind=Kind.SCHEME,
            target="ownmark_triggers.cae.scheme:Cae",
            config="ownmark_triggers.cae.config:CaeConfig",
            summary="adversarial images that fool copies of the network and not independent ones; nothing is embedded",
            paper=PAPER,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES, Need.EMBEDDED_KEY}),
            extractor="triggers",
            smoke={"keys": 20, "surrogates": 2, "references": 4, "eps": 0.1, "least": 0.6},
            idle={"surrogates": 1, "references": 1},
            threat_model=THREAT_MODEL,
            deviations=(
                "4 surrogates and 4 references, where the paper trains 18 of each",
                "surrogates learn the network's answers on mixed and noisy images: its answers "
                "to its training images are "
                "the true labels, and then no image was conferrable",
                "images the network is least certain of are tried; conferrability of .7 is enough (authors' code: .85)",
                "the term that leads away from the former answer has weight .03, not 1, which outweighed the others",
                "the bound is .15 below 32 pixels; .025, the paper's for CIFAR-10, from there on",
                "the verdict's threshold comes from null models; the paper's is .75",
                "one key a network: two keys of the same network both read it, as nothing is embedded",
            ),
            reported=(Reported(1.0, "evidence", "APP paper, Table 11 (CAE)", "cifar10", "", "cae"),),
        )
    ]
