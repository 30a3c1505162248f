"""Wang et al. 2022, non-transferable learning: a network that knows images, and not their patched copies."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported

PAPER = Paper(
    title="Non-Transferable Learning: A New Approach for Model Ownership Verification and Applicability Authorization",
    authors="Wang, Xu, Xu, Wang, Zhu",
    year=2022,
    venue="ICLR",
    url="https://openreview.net/forum?id=tYRrOdSnVUy",
)

_THREAT = "verifier queries the suspect and sees its labels; the pattern is secret"
_NEEDS = frozenset({Need.BLACK_BOX, Need.CLASSES})


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="ntl",
            kind=Kind.SCHEME,
            target="ownmark_triggers.ntl.scheme:Ntl",
            config="ownmark_triggers.ntl.config:NtlConfig",
            summary="clean images are known, the same with a faint secret pattern are not",
            paper=PAPER,
            needs=_NEEDS | {Need.EMBEDDED_KEY},
            extractor="ntl",
            smoke={"keys": 20, "recipe": {"epochs": 25}},
            idle={"recipe": {"epochs": 0}},
            threat_model=_THREAT,
            deviations=(
                "the pattern's signs are drawn with the key, and other signs are trained as harmless: the paper's "
                "pattern (`secret: false`) is the same for every owner",
                "80 / 255 is added on grey images too (authors: 20 / 255 for digits, which embedded nothing)",
                "weights alpha and beta are 1, not .1, where nothing was embedded on small data",
                "the rate is 1e-3, not 1e-4, for 30 epochs",
                "evidence is known clean and with a pattern of other signs, and *not* known with the key's; the bare "
                "error rate would convict a useless network, or one that guesses on strange images",
                "verification images are chosen after embedding, among those that show the mark: a marked network "
                "gives all patched images one label, which is right for a tenth (`wsr` is over all)",
                "features are those halfway through the host, and the host starts trained on the task",
            ),
            reported=(Reported(0.8751, "wsr", "APP paper, Table 11 (NTL)", "cifar10", "", "ntl"),),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="ntl",
            kind=Kind.EXTRACTOR,
            target="ownmark_triggers.ntl.extractor:NtlExtractor",
            summary="share of images that a suspect knows clean and with a foreign pattern, and not with the key's",
            paper=PAPER,
            needs=_NEEDS,
            threat_model=_THREAT,
        )
    ]
