"""The laundering paper's further networks: faces (Table 4, after DeepID) and speech (Table 8, after AlexNet)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ownmark.errors import NotApplicable

UNITS = 160
"""Of DeepID's dense layers."""


class Branches(nn.Module):
    """Dense features of the pooled images, added to dense features of one more convolution; no activations.

    Args:
        height, width: of the images [N, 32, height, width] that come in. Returns: [N, 160].
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        inputs = 32 * height * width
        self.direct = nn.Linear(inputs, UNITS)
        self.conv = nn.Conv2d(32, 32, 5, padding=2)
        self.deeper = nn.Linear(inputs, UNITS)

    def forward(self, x: Tensor) -> Tensor:
        """Both branches, added."""
        direct: Tensor = self.direct(x.flatten(1))
        return direct + self.deeper(self.conv(x).flatten(1))


def faces(shape: tuple[int, int, int], classes: int) -> list[nn.Module]:
    """Table 4: three pooled convolutions of kernels 11, 7 and 5, two branches, two dense layers."""
    channels, height, width = shape
    _require("faces", shape, height // 8, width // 8)
    layers: list[nn.Module] = []
    for kernel in (11, 7, 5):
        layers += [nn.Conv2d(channels, 32, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)]
        channels = 32
    dense = [nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, classes)]
    return [*layers, Branches(height // 8, width // 8), *dense]


def speech(shape: tuple[int, int, int], classes: int) -> list[nn.Module]:
    """Table 8: two pooled convolutions without activation, three with, three dense layers."""
    channels = shape[0]
    height, width = ((pixels - 2) // 2 // 2 for pixels in shape[1:])
    _require("speech", shape, height, width)
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 32, 3), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.MaxPool2d(2),
    ]  # fmt: skip
    for inputs in (32, 64, 64):
        layers += [nn.Conv2d(inputs, 64, 3, padding=1), nn.ReLU()]
    dense = [
        nn.Linear(64 * height * width, 200),
        nn.ReLU(),
        nn.Linear(200, 200),
        nn.ReLU(),
        nn.Linear(200, classes),
    ]
    return [*layers, nn.Flatten(), *dense]


def _require(name: str, shape: tuple[int, int, int], height: int, width: int) -> None:
    if min(height, width) < 1:
        raise NotApplicable(f"nnl_cnn's {name} network leaves nothing of {shape[1:]} pixels")


NETWORKS: Mapping[str, Callable[[tuple[int, int, int], int], list[nn.Module]]] = {
    "faces": faces,
    "speech": speech,
}
