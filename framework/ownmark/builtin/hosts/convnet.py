"""A small convolutional network for images from 8 x 8 pixels: the host of quick looks and of the test kit."""

from __future__ import annotations

from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.layers import Convolutional, Normalize, conv_block, require_size, scaled
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

CHANNELS = (32, 64, 64)


class ConvNet(Host):
    """`features.0` to `features.2` (each `conv`, `norm`, `relu`, the first two `pool`), `classifier`."""

    config: ConvNetConfig

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 4 x 4 pixels."""
        require_size("convnet", shape, 4)
        widths = [shape[0], *(scaled(channels, self.config.width) for channels in CHANNELS)]
        pools = [nn.MaxPool2d(2), nn.MaxPool2d(2), None]
        blocks = [
            conv_block(inputs, outputs, self.config.norm, pool)
            for inputs, outputs, pool in zip(widths[:-1], widths[1:], pools, strict=True)
        ]
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return Convolutional(normalize, nn.Sequential(*blocks), widths[-1], classes)
