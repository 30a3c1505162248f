"""MobileNetV2 with the strides used on small images.

Source: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear
Bottlenecks", CVPR 2018 (arXiv:1801.04381), Table 2; stem and second stage without stride, as on CIFAR.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from ownmark.builtin.hosts.config import MobileNetV2Config
from ownmark.builtin.hosts.layers import Convolutional, Normalize, require_size, scaled
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and stride of the first block, for each stage."""
STEM, HEAD = 32, 1280
LEAST = 8
"""Pixels a side, for three halvings to leave something."""


def _layer(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution `conv`, `norm` and, unless linear, `relu` (which ends at 6)."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    layers: list[tuple[str, nn.Module]] = [("conv", conv), ("norm", nn.BatchNorm2d(outputs))]
    return nn.Sequential(OrderedDict([*layers, ("relu", nn.ReLU6())] if act else layers))


class InvertedResidual(nn.Module):
    """`expand` by 1x1, `depthwise` 3x3, linear `project` by 1x1; the input is added where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _layer(inputs, hidden, 1) if expansion != 1 else nn.Identity()
        self.depthwise = _layer(hidden, hidden, 3, stride, groups=hidden)
        self.project = _layer(hidden, outputs, 1, act=False)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class MobileNetV2(Host):
    """`features.0` (stem), `features.1` ... (each `expand`, `depthwise`, `project`), the head last, `classifier`."""

    config: MobileNetV2Config

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 8 x 8 pixels."""
        require_size("mobilenet_v2", shape, LEAST)
        inputs = scaled(STEM, self.config.width)
        blocks: list[nn.Module] = [_layer(shape[0], inputs, 3)]
        for expansion, channels, count, stride in STAGES:
            outputs = scaled(channels, self.config.width)
            for i in range(count):
                blocks.append(InvertedResidual(inputs, outputs, stride if i == 0 else 1, expansion))
                inputs = outputs
        head = scaled(HEAD, max(1.0, self.config.width))
        blocks.append(_layer(inputs, head, 1))
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return Convolutional(normalize, nn.Sequential(*blocks), head, classes)
