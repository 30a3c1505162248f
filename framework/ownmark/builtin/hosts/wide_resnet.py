"""Wide residual networks: blocks that normalise before they convolve.

Sources: S. Zagoruyko, N. Komodakis, "Wide Residual Networks", BMVC 2016 (arXiv:1605.07146), Table 1 and Fig.
1(c) without dropout; the default and its recipe: Y. Uchida, Y. Nagai, S. Sakazawa, S. Satoh, "Embedding Watermarks
into Deep Neural Networks", ICMR 2017 (arXiv:1701.04082), section 4.1.
"""

from __future__ import annotations

from torch import Tensor, nn

from ownmark.builtin.hosts.config import WideResNetConfig
from ownmark.builtin.hosts.layers import Normalize, require_size
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

STEM = 16
"""Channels of the first convolution."""


class WideBlock(nn.Module):
    """x + conv2(relu(norm2(conv1(relu(norm1(x)))))).

    Where the shape changes, a 1x1 convolution of relu(norm1(x)) stands for x.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(inputs), nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(outputs), nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        projects = stride != 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False) if projects else None

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        y = self.relu1(self.norm1(x))
        kept: Tensor = x if self.shortcut is None else self.shortcut(y)
        changed: Tensor = self.conv2(self.relu2(self.norm2(self.conv1(y))))
        return kept + changed


class WideResNetNetwork(nn.Module):
    """Stem, three stages, last norm, global average, dense layer.

    Args:
        blocks: of each stage. k: widening factor.
    """

    def __init__(self, normalize: Normalize, channels: int, classes: int, blocks: int, k: int) -> None:
        super().__init__()
        self.normalize = normalize
        self.conv1 = nn.Conv2d(channels, STEM, 3, padding=1, bias=False)
        self.layer1 = _stage(STEM, 16 * k, blocks, 1)
        self.layer2 = _stage(16 * k, 32 * k, blocks, 2)
        self.layer3 = _stage(32 * k, 64 * k, blocks, 2)
        self.norm, self.relu = nn.BatchNorm2d(64 * k), nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64 * k, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of pixels [N, C, H, W]."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(self.normalize(x)))))
        logits: Tensor = self.fc(self.pool(self.relu(self.norm(x))).flatten(1))
        return logits


def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [WideBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
    return nn.Sequential(WideBlock(inputs, outputs, stride), *rest)


class WideResNet(Host):
    """`conv1`, `layer1.0` ... (each block `norm1`, `conv1`, `norm2`, `conv2`, `shortcut`), `norm`, `fc`."""

    config: WideResNetConfig

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 4 x 4 pixels."""
        require_size("wide_resnet", shape, 4)
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return WideResNetNetwork(normalize, shape[0], classes, (self.config.depth - 4) // 6, self.config.k)
