"""The laundering paper's networks have the layers of its tables."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ownmark.errors import NotApplicable
from ownmark_laundering.nnl_cnn.config import NNLConfig
from ownmark_laundering.nnl_cnn.host import NNLNetwork

WEIGHTS = {
    "mnist": ((1, 28, 28), [(32, 1, 5, 5), (16, 32, 5, 5), (512, 256), (10, 512)]),
    "mnist_plus": (
        (1, 28, 28),
        [(32, 1, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (200, 1024), (200, 200), (10, 200)],
    ),
    "cifar10": (
        (3, 32, 32),
        [
            *(
                (32, 3, 3, 3),
                (32, 32, 3, 3),
                (64, 32, 3, 3),
                (64, 64, 3, 3),
                (128, 64, 3, 3),
                (128, 128, 3, 3),
            ),
            (10, 2048),
        ],
    ),
    "faces": (
        (1, 56, 46),
        [
            *((32, 1, 11, 11), (32, 32, 7, 7), (32, 32, 5, 5)),
            *((160, 32 * 7 * 5), (32, 32, 5, 5), (160, 32 * 7 * 5), (160, 160), (10, 160)),
        ],
    ),
    "speech": (
        (1, 32, 30),
        [
            *((32, 1, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (64, 64, 3, 3)),
            *((200, 64 * 7 * 7), (200, 200), (10, 200)),
        ],
    ),
}
DROPOUTS = {"mnist": [], "mnist_plus": [0.5, 0.5], "cifar10": [0.2, 0.3, 0.4], "faces": [], "speech": []}


@pytest.mark.parametrize("name", WEIGHTS)
def test_layers_are_those_of_the_table(name: Any) -> None:
    shape, expected = WEIGHTS[name]
    network = NNLNetwork(NNLConfig(network=name)).build(shape, 10)
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert [tuple(layer.weight.shape) for layer in layers] == expected
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == DROPOUTS[name]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == (6 if name == "cifar10" else 0)
    assert network.eval()(torch.rand(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "least"), [("mnist", 16), ("mnist_plus", 16), ("cifar10", 8), ("faces", 8), ("speech", 6)]
)
def test_too_small_images_are_refused(name: Any, least: int) -> None:
    host = NNLNetwork(NNLConfig(network=name))
    host.build((1, least, least), 3)
    with pytest.raises(NotApplicable, match="leaves nothing"):
        host.build((1, least - 1, least), 3)
