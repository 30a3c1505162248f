"""Residual networks with the 3 x 3 stem used on small images.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016
(arXiv:1512.03385).
"""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ResNetConfig
from ownmark.builtin.hosts.layers import Normalize, norm_layer, require_size
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

FOUR_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Blocks a stage (Table 1)."""


class PadShortcut(nn.Module):
    """Option A: every `stride`-th pixel, and `extra` zero channels after the given ones."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C + extra, ceil(H / stride), ceil(W / stride)]."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


class BasicBlock(nn.Module):
    """relu(norm2(conv2(relu(norm1(conv1(x))))) + shortcut(x)): Fig. 2."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: str, shortcut: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = norm_layer(norm, outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = norm_layer(norm, outputs)
        self.shortcut = _shortcut(inputs, outputs, stride, norm, shortcut)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        y = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        summed: Tensor = self.relu2(y + self.shortcut(x))
        return summed


def _shortcut(inputs: int, outputs: int, stride: int, norm: str, kind: str) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    if kind == "pad":
        return PadShortcut(outputs - inputs, stride)
    conv = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=norm_layer(norm, outputs)))


class ResNetNetwork(nn.Module):
    """Stem, stages `layer1`, `layer2`, ... of basic blocks, global average, dense layer.

    Args:
        blocks: of each stage. width: channels of the first stage.
    """

    def __init__(
        self, normalize: Normalize, channels: int, classes: int, blocks: tuple[int, ...], width: int,
        config: ResNetConfig,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalize = normalize
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm1 = norm_layer(config.norm, width)
        self.relu = nn.ReLU()
        self.stages = [f"layer{i}" for i in range(1, len(blocks) + 1)]
        inputs = width
        for i, count in enumerate(blocks):
            outputs = width * 2**i
            self.add_module(self.stages[i], _stage(inputs, outputs, count, 1 if i == 0 else 2, config))
            inputs = outputs
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of pixels [N, C, H, W]."""
        x = self.relu(self.norm1(self.conv1(self.normalize(x))))
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.fc(self.pool(x).flatten(1))
        return logits


def _stage(inputs: int, outputs: int, count: int, stride: int, config: ResNetConfig) -> nn.Sequential:
    first = BasicBlock(inputs, outputs, stride, config.norm, config.shortcut)
    rest = [BasicBlock(outputs, outputs, 1, config.norm, config.shortcut) for _ in range(count - 1)]
    return nn.Sequential(first, *rest)


class ResNet(Host):
    """`conv1`, `norm1`, `layer1.0` ... (each block `conv1`, `norm1`, `conv2`, `norm2`, `shortcut`), `fc`."""

    config: ResNetConfig

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 8 x 8 pixels for four stages, 4 x 4 for three."""
        depth = self.config.depth
        blocks = FOUR_STAGES.get(depth, ((depth - 2) // 6,) * 3)
        require_size(f"resnet of depth {depth}", shape, 2 ** (len(blocks) - 1))
        width = self.config.width or (64 if depth in FOUR_STAGES else 16)
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return ResNetNetwork(normalize, shape[0], classes, blocks, width, self.config)
