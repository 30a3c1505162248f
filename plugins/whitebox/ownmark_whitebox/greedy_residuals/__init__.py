"""Liu, Weng, Zhu 2021: the hash of a signature in the signs of greedily pooled weights."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_whitebox.tables import table_one

PAPER = Paper(
    title="Watermarking Deep Neural Networks with Greedy Residuals",
    authors="Liu, Weng, Zhu",
    year=2021,
    venue="ICML",
    url="https://proceedings.mlr.press/v139/liu21x.html",
)

_TABLE = "Table II of the invariant-neuron-transform paper"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="greedy_residuals",
            kind=Kind.SCHEME,
            target="ownmark_whitebox.greedy_residuals.scheme:GreedyResiduals",
            config="ownmark_whitebox.greedy_residuals.config:GreedyResidualsConfig",
            summary="the hash of the owner's signature in the signs of one layer's pooled largest weights",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX}),
            extractor="greedy_residuals",
            smoke={"bits": 64, "columns": 72, "signature": "ed25519"},
            idle={"strength": 0},
            threat_model="verifier holds the suspect's weights, the public key, assertion and signature; "
            "only the signing key is secret",
            deviations=(
                "the RSA modulus has 2048 bits, not 512; its primes are drawn, so that a key is a function of the seed",
                "one layer carries the mark; the authors' code can average several",
                "the strength is raised for trainings too short for 0.01 (parameter `scale`)",
            ),
            reported=(
                Reported(0.5505, "accuracy", _TABLE, "caltech256", "resnet", "greedy_residuals"),
                Reported(1.0, "evidence", _TABLE, "caltech256", "resnet", "greedy_residuals"),
                *table_one(),
            ),
            requires={"cryptography": "greedy", "sympy": "greedy"},
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="greedy_residuals",
            kind=Kind.EXTRACTOR,
            target="ownmark_whitebox.greedy_residuals.extractor:GreedyResidualsExtractor",
            summary="checks the signature, and compares the signs of the residuals with its hash",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX}),
            requires={"cryptography": "greedy", "sympy": "greedy"},
        )
    ]
