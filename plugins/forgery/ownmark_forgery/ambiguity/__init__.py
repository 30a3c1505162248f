"""Ambiguity: forge a key for the stolen network as it is."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper

PAPER = Paper(
    title="DeepIP: Deep Neural Network Intellectual Property Protection with Passports",
    authors="Fan, Ng, Chan, Yang",
    year=2021,
    venue="IEEE TPAMI",
    url="https://github.com/kamwoh/DeepIPR",
)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="ambiguity",
            kind=Kind.ATTACK,
            target="ownmark_forgery.ambiguity.attack:Ambiguity",
            config="ownmark_forgery.ambiguity.config:AmbiguityConfig",
            summary="a forged key that reads in the stolen network, which stays as it is",
            paper=PAPER,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"scheme": {"uchida": {"bits": 16, "start": "trained"}}, "recipe": {"epochs": 1}},
            idle={"rounds": 1},
            threat_model="thief holds the weights and images and knows the scheme, but nothing of the owner's key",
            deviations=(
                "Fan et al. forge passports from the owner's own (attack 3) and start scales from the owner's signs "
                "(attack 2); a thief has neither, so both start from the forger's own",
                "other schemes are forged by drawing keys (`resample`), which the paper names without a procedure",
            ),
        )
    ]
