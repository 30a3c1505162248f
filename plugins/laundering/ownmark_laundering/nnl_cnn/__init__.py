"""The networks that the laundering paper's marks were in (Tables 4 to 8)."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_laundering.papers import NNL


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The host."""
    return [
        Declaration(
            id="nnl_cnn",
            kind=Kind.HOST,
            target="ownmark_laundering.nnl_cnn.host:NNLNetwork",
            config="ownmark_laundering.nnl_cnn.config:NNLConfig",
            summary="the laundering paper's networks for MNIST, MNIST+, CIFAR-10, faces and speech",
            paper=NNL,
            smoke={"network": "cifar10", "recipe": {"epochs": 1}},
            deviations=(
                "recipe: ours (SGD, one-cycle, 5 epochs); the paper gives none but the weight decay of 1e-4",
                "faces: images keep their size in a convolution, and both branches are added (Table 4 says neither)",
                "pixels are normalised inside the network; the output layer is linear, its softmax is in the loss",
            ),
        )
    ]
