"""VGG networks with normalisation and one dense layer, as used on small images.

Source: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
2015 (arXiv:1409.1556), Table 1, configurations A, B, D.
"""

from __future__ import annotations

from torch import nn

from ownmark.builtin.hosts.config import VGGConfig
from ownmark.builtin.hosts.layers import Convolutional, Normalize, conv_block, require_size, scaled
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

CHANNELS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
"""Convolutions before each of the five poolings."""
LEAST = 17
"""Pixels a side, for the fifth pooling to have something to pool; they round up, so that 28 works."""


class VGG(Host):
    """`features.0` ... `features.12` (each `conv`, `norm`, `relu`; `pool` at a stage's end), `classifier`."""

    config: VGGConfig

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 17 x 17 pixels."""
        require_size(f"vgg of depth {self.config.depth}, which pools five times,", shape, LEAST)
        inputs, blocks = shape[0], []
        for channels, count in zip(CHANNELS, CONVOLUTIONS[self.config.depth], strict=True):
            outputs = scaled(channels, self.config.width)
            for i in range(count):
                pool = nn.MaxPool2d(2, ceil_mode=True) if i == count - 1 else None
                blocks.append(conv_block(inputs, outputs, self.config.norm, pool))
                inputs = outputs
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return Convolutional(normalize, nn.Sequential(*blocks), inputs, classes)
