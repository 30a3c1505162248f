"""Hosts of Table 12: any host, trained against perturbed images."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Paper


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The host."""
    return [
        Declaration(
            id="adversarial",
            kind=Kind.HOST,
            target="ownmark_robust.adversarial.host:AdversarialHost",
            config="ownmark_robust.adversarial.config:AdversarialConfig",
            summary="another host, trained against perturbed images (PGD-AT or TRADES)",
            paper=Paper(
                title="Towards Deep Learning Models Resistant to Adversarial Attacks",
                authors="Madry, Makelov, Schmidt, Tsipras, Vladu",
                year=2018,
                venue="ICLR",
                url="https://arxiv.org/abs/1706.06083",
            ),
            smoke={"host": {"convnet": {"recipe": {"epochs": 2}}}, "steps": 2, "epsilon": 0.02, "step": 0.01},
            deviations=(
                "images are perturbed against the network in eval mode, so that statistics stay clean",
            ),
        )
    ]
