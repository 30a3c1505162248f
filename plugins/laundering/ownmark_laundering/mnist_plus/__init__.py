"""MNIST+, the laundering paper's more complex MNIST: six letters of EMNIST beside the digits."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Paper


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """The dataset."""
    return [
        Declaration(
            id="mnist_plus",
            kind=Kind.DATASET,
            target="ownmark_laundering.mnist_plus.dataset:MnistPlus",
            config="ownmark_laundering.mnist_plus.config:MnistPlusConfig",
            summary="28x28 digits of MNIST and letters t, u, w, x, y, z of EMNIST, from the folder OWNMARK_DATA",
            paper=Paper(
                title="EMNIST: an extension of MNIST to handwritten letters",
                authors="Cohen, Afshar, Tapson and van Schaik",
                year=2017,
                url="https://arxiv.org/abs/1702.05373",
            ),
            smoke={"limit_train": 200, "limit_test": 100},
            deviations=("upper and lower case share a label, as in EMNIST Letters; the paper does not say",),
        )
    ]
