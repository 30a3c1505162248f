"""False claims: triggers fitted to one's own networks, so that innocent ones answer them too."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper

PAPER = Paper(
    title="False Claims against Model Ownership Resolution",
    authors="Liu, Zhang, Szyller, Ren, Asokan",
    year=2024,
    venue="USENIX Security",
    url="https://arxiv.org/abs/2304.06607",
)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="false_claim",
            kind=Kind.ATTACK,
            target="ownmark_forgery.false_claim.attack:FalseClaim",
            config="ownmark_forgery.false_claim.config:FalseClaimConfig",
            summary="a dishonest owner's key, fitted to networks of his own, claims a network he never marked",
            paper=PAPER,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"scheme": {"adi": {"keys": 10}}, "hosts": 1, "steps": 5, "recipe": {"epochs": 1}},
            idle={"keys": "derived", "hosts": 0},
            threat_model="claimant has images and trains networks of his own; holds the suspect only if `on_suspect`",
            deviations=(
                "Liu et al. perturb images against a substitute with a bounded step; here triggers move freely in the "
                "pixel range, as no scheme of ours bounds them",
                "beside free keys stand derived ones, which their countermeasure (a judge draws triggers) comes to",
            ),
        )
    ]
