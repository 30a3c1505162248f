"""The networks in which Aiken et al. removed Zhang et al.'s marks: Tables 4 to 8.

Tables 5 (MNIST), 6 (MNIST+) and 7 (CIFAR-10) are layouts below; 4 (faces) and 8 (speech) are in `backdoored`.
Symbols: images [N, C, H, W] in [0, 1]; blocks of convolutions, each block pooled by 2.
Deviations: see the declaration in `__init__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ownmark.contracts import Host
from ownmark.errors import NotApplicable
from ownmark_laundering.nnl_cnn.backdoored import NETWORKS
from ownmark_laundering.nnl_cnn.config import NNLConfig


@dataclass(frozen=True)
class Layout:
    """One table.

    Args:
        blocks: filters of the convolutions of each block; a block ends with pooling. kernel: side of the filters.
        same: images keep their size in a convolution. norm: BatchNorm behind each. drops: dropout behind each block.
        dense: units of the hidden dense layers. dropout: behind each of them.
    """

    blocks: tuple[tuple[int, ...], ...]
    kernel: int
    same: bool = False
    norm: bool = False
    drops: tuple[float, ...] = ()
    dense: tuple[int, ...] = ()
    dropout: float = 0.0


LAYOUTS: Mapping[str, Layout] = {
    "mnist": Layout(((32,), (16,)), 5, dense=(512,)),
    "mnist_plus": Layout(((32, 32), (64, 64)), 3, dense=(200, 200), dropout=0.5),
    "cifar10": Layout(((32, 32), (64, 64), (128, 128)), 3, same=True, norm=True, drops=(0.2, 0.3, 0.4)),
}


class Centred(nn.Module):
    """(x - mean) / std on pixels [N, C, H, W]."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise NotApplicable(f"{name} has {len(values)} values, the images have {channels} channels")
            self.register_buffer(
                name, torch.tensor(values).expand(channels).reshape(1, channels, 1, 1).clone()
            )

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels, same shape."""
        return (x - self.mean) / self.std


def convolutions(layout: Layout, channels: int) -> list[nn.Module]:
    """Layers up to the flattening, for images of so many channels."""
    layers: list[nn.Module] = []
    for number, block in enumerate(layout.blocks):
        for filters in block:
            padding = layout.kernel // 2 if layout.same else 0
            layers.append(nn.Conv2d(channels, filters, layout.kernel, padding=padding, bias=not layout.norm))
            if layout.norm:
                layers.append(nn.BatchNorm2d(filters))
            layers.append(nn.ReLU())
            channels = filters
        layers.append(nn.MaxPool2d(2))
        if layout.drops:
            layers.append(nn.Dropout(layout.drops[number]))
    return layers


def head(layout: Layout, inputs: int, classes: int) -> list[nn.Module]:
    """Dense layers behind the flattening."""
    layers: list[nn.Module] = []
    for units in layout.dense:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        if layout.dropout:
            layers.append(nn.Dropout(layout.dropout))
        inputs = units
    return [*layers, nn.Linear(inputs, classes)]


def side(layout: Layout, pixels: int) -> int:
    """Pixels of a side that the blocks leave; 0 or less for too small images."""
    for block in layout.blocks:
        pixels = (pixels - (0 if layout.same else (layout.kernel - 1) * len(block))) // 2
    return pixels


class NNLNetwork(Host):
    """A row of layers: `normalize`, convolutions, `flatten`, dense layers."""

    config: NNLConfig

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """See `Host.build`; refuses images that pooling would shrink to nothing."""
        centred = Centred(shape[0], self.config.mean, self.config.std)
        if self.config.network in NETWORKS:
            return nn.Sequential(centred, *NETWORKS[self.config.network](shape, classes))
        layout = LAYOUTS[self.config.network]
        height, width = (side(layout, pixels) for pixels in shape[1:])
        if min(height, width) < 1:
            raise NotApplicable(
                f"nnl_cnn's {self.config.network} network leaves nothing of {shape[1:]} pixels"
            )
        features = convolutions(layout, shape[0])
        inputs = layout.blocks[-1][-1] * height * width
        return nn.Sequential(centred, *features, nn.Flatten(), *head(layout, inputs, classes))
