"""Chen, Chen, Zhang, Wang 2021: a QR code in the sparsity pattern of a winning ticket."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper, Reported
from ownmark_whitebox.tables import table_one

PAPER = Paper(
    title="You are caught stealing my winning lottery ticket! Making a lottery ticket claim its ownership",
    authors="Chen, Chen, Zhang, Wang",
    year=2021,
    venue="NeurIPS",
    url="https://arxiv.org/abs/2111.00162",
)

_TABLE = "Table II of the invariant-neuron-transform paper"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="lottery",
            kind=Kind.SCHEME,
            target="ownmark_whitebox.lottery.scheme:Lottery",
            config="ownmark_whitebox.lottery.config:LotteryConfig",
            summary="a QR code drawn by which kernels of a pruned convolution are empty",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX, Need.EMBEDDED_KEY}),
            extractor="lottery",
            smoke={"bits": 32, "rounds": 4, "rate": 0.5},
            threat_model="verifier holds the suspect's weights; layer and place of the code are secret",
            deviations=(
                "the whole code is written into the mask, as in the authors' CIFAR-100 script; their CIFAR-10 script "
                "leaves the function patterns out",
                "the code may go into any inner convolution that is large enough; the authors name a stage",
                "a surplus of weights is pruned away again; the authors' code leaves that branch unfinished",
                "networks without empty kernels are read by the size of their kernels; the authors call every module "
                "white (extractor parameter `dense: white`)",
                "evidence are the 551 free modules; the papers count all 841, of which 290 are the same in every code",
                "every round trains with the host's recipe; the authors: 182 epochs",
            ),
            reported=(
                Reported(0.6640, "accuracy", _TABLE, "cifar100", "resnet", "lottery"),
                Reported(1.0, "evidence", _TABLE, "cifar100", "resnet", "lottery"),
                *table_one(),
            ),
            requires={"segno": "lottery"},
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="lottery",
            kind=Kind.EXTRACTOR,
            target="ownmark_whitebox.lottery.extractor:LotteryExtractor",
            config="ownmark_whitebox.lottery.config:LotteryReaderConfig",
            summary="compares empty kernels with the code's black modules, and scans the code",
            paper=PAPER,
            needs=frozenset({Need.WHITE_BOX, Need.EMBEDDED_KEY}),
            requires={"zxingcpp": "lottery"},
        )
    ]
