"""Laundering: reset what a reconstructed trigger excites, and retrain."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_laundering.papers import NNL

_FIGURES = (
    ("Table 2", "mnist", "nnl_cnn", "content", ".6 %", 0.9834, 0.0001),
    ("Table 2", "mnist", "nnl_cnn", "noise", ".6 %", 0.9745, 0.0007),
    ("Table 2", "mnist", "nnl_cnn", "unrelated", ".6 %", 0.9833, 0.15),
    ("Table 2", "cifar10", "nnl_cnn", "content", ".6 %", 0.8765, 0.014),
    ("Table 2", "cifar10", "nnl_cnn", "noise", ".6 %", 0.8414, 0.005),
    ("Table 2", "cifar10", "nnl_cnn", "unrelated", ".6 %", 0.8534, 0.16),
    ("Table 2", "cifar10", "resnet", "adi", "10.8 %", 0.8825, 0.07),
    ("Table 3", "youtube-faces", "nnl_cnn", "sunglasses", "", 0.97, 0.0),
    ("section A", "pannous", "nnl_cnn", "tones", "", 0.99, 0.045),
)
"""Where, dataset, host, scheme, share of the data, accuracy and watermark accuracy after one round. A share is part of
the row's name in `laundering-table2`."""


def _reported() -> Iterable[Reported]:
    for where, dataset, host, scheme, share, accuracy, mark in _FIGURES:
        place = (f"Laundering paper, {where}", dataset, host, scheme, f"laundering {share}".strip())
        yield Reported(accuracy, "accuracy", *place)
        yield Reported(mark, "evidence" if scheme == "adi" else "wsr", *place)


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="laundering",
            kind=Kind.ATTACK,
            target="ownmark_laundering.laundering.attack:Laundering",
            config="ownmark_laundering.laundering.config:LaunderingConfig",
            summary="reconstruct the likeliest trigger, reset the units it excites, retrain on stamped images",
            paper=NNL,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"steps": 3, "images": 64, "recipe": {"epochs": 1}},
            idle={"rounds": 0},
            threat_model="thief holds the weights and a few images, labelled or not (one a class to 10.8 %)",
            deviations=(
                "AW - AN is compared with the thresholds, as the text says; Algorithm 1 prints AN",
                "the paper gives no thresholds: by default the top share of each layer's units is reset",
                "a channel's largest difference counts; the paper does not say how a map becomes one number",
                "the output layer is never reset, since its units are classes",
                "retraining epochs and rate are those of the APP paper's code; the paper gives none",
                "reset means zero weights; `fill: median` is what the paper proposes for softplus",
            ),
            reported=tuple(_reported()),
        )
    ]
