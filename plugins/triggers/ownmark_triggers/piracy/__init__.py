"""Li et al. 2019, piracy-resistant: a signed pattern that must change nothing, and its negative that decides."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import mira

PAPER = Paper(
    title="Piracy Resistant Watermarks for Deep Neural Networks",
    authors="Li, Wenger, Shan, Zhao, Zheng",
    year=2019,
    venue="arXiv",
    url="https://arxiv.org/abs/1910.01226",
)

_THREAT = (
    "verifier queries the suspect, sees its labels and checks the signature; only the signing key is secret"
)
_NEEDS = frozenset({Need.BLACK_BOX, Need.CLASSES})
_EXTRA = {"cryptography": "piracy"}


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="piracy",
            kind=Kind.SCHEME,
            target="ownmark_triggers.piracy.scheme:Piracy",
            config="ownmark_triggers.piracy.config:PiracyConfig",
            summary="a signature's pattern that must not matter, while its negative means one label",
            paper=PAPER,
            needs=_NEEDS,
            extractor="piracy",
            smoke={"keys": 20, "share": 0.2},
            idle={"share": 0.0},
            threat_model=_THREAT,
            deviations=(
                "Ed25519 signs, from 32 drawn bytes, so that a key is a function of the seed",
                "extreme pixels are -2.5 and 2.5 (ten deviations of a built-in host's input), not -2000 and 2000, "
                "which BatchNorm does not survive in a mixed batch",
                "a tenth of each batch carries either pattern, in place of loss weights .1 (recalled, not verified)",
                "trained on until all key images are known, which join the batches then (at most 30 epochs)",
                "evidence counts key images the network was trained on, as MIRA does; fresh ones are measured beside",
            ),
            reported=mira("piracy", (0.9922, 0.2807), (0.9331, 0.1966), (0.7369, 0.1672)),
            requires=_EXTRA,
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="piracy",
            kind=Kind.EXTRACTOR,
            target="ownmark_triggers.piracy.extractor:PiracyExtractor",
            summary="checks the signature; the worse of null and true embedding is the evidence",
            paper=PAPER,
            needs=_NEEDS,
            threat_model=_THREAT,
            requires=_EXTRA,
        )
    ]
