"""Wang, Kerschbaum 2021: a message that a learnt extractor reads, hidden from a learnt detector."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_whitebox.tables import table_one

PAPER = Paper(
    title="RIGA: Covert and Robust White-Box Watermarking of Deep Neural Networks",
    authors="Wang, Kerschbaum",
    year=2021,
    venue="WWW",
    url="https://arxiv.org/abs/1910.14268",
)

_TABLE = "Table II of the invariant-neuron-transform paper"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="riga",
            kind=Kind.SCHEME,
            target="ownmark_whitebox.riga.scheme:Riga",
            config="ownmark_whitebox.riga.config:RigaConfig",
            summary="a message in one layer, read by a learnt extractor and hidden from a learnt detector",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX, Need.EMBEDDED_KEY}),
            extractor="riga",
            smoke={"bits": 64, "references": 32, "extractor_steps": 40},
            threat_model="verifier holds the suspect's weights; layer, message and extractor network are secret",
            deviations=(
                "160 bits of text; the authors' demo writes 256 ones or an image",
                "few reference models, trained briefly; the authors train 60 to 500 in full",
                "each reference answers bits of its own, drawn once, and weighs as much as the marked row; with fresh "
                "bits at each update (authors; `coins: fresh`) the extractor reads up to two thirds of the message out "
                "of unmarked networks",
                "weights are divided by the spread of the references' before extractor and detector see them",
                "hiding has weight 0.1, the default of the authors' class; their script sets 0",
            ),
            reported=(
                Reported(0.9590, "accuracy", _TABLE, "celeba", "inception_v3", "riga"),
                Reported(1.0, "evidence", _TABLE, "celeba", "inception_v3", "riga"),
                *table_one(),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="riga",
            kind=Kind.EXTRACTOR,
            target="ownmark_whitebox.riga.extractor:RigaExtractor",
            summary="what the key's extractor network reads out of a layer's mean filter",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX, Need.EMBEDDED_KEY}),
        )
    ]
