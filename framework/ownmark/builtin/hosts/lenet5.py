"""LeNet-5.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proc. IEEE 86 (1998), Fig. 2. Here with full connections between stages, untrained pooling and a linear output.
"""

from __future__ import annotations

from torch import Tensor, nn

from ownmark.builtin.hosts.config import LeNet5Config
from ownmark.builtin.hosts.layers import Normalize, require_size
from ownmark.contracts.host import Host
from ownmark.contracts.tasks import Shape

KERNEL = 5
LEAST = 12
"""Pixels a side, for both stages to leave something."""
FULL_SIZE = 32
"""Smaller images are padded by 2 pixels on each side, which takes MNIST's 28 to the paper's 32."""


class LeNet5Network(nn.Module):
    """6 and 16 filters of 5 x 5, each pooled by 2; dense layers of 120, 84 and `classes`.

    Args:
        shape: of one input. config: chooses activation and pooling.
    """

    def __init__(self, normalize: Normalize, shape: Shape, classes: int, config: LeNet5Config) -> None:
        super().__init__()
        activation = nn.ReLU if config.activation == "relu" else nn.Tanh
        pool = nn.MaxPool2d if config.pool == "max" else nn.AvgPool2d
        self.normalize = normalize
        conv1 = nn.Conv2d(shape[0], 6, KERNEL, padding=_padding(shape))
        self.conv1, self.act1, self.pool1 = conv1, activation(), pool(2)
        self.conv2, self.act2, self.pool2 = nn.Conv2d(6, 16, KERNEL), activation(), pool(2)
        self.fc1, self.act3 = nn.Linear(_features(shape), 120), activation()
        self.fc2, self.act4 = nn.Linear(120, 84), activation()
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of pixels [N, C, H, W]."""
        x = self.pool1(self.act1(self.conv1(self.normalize(x))))
        x = self.pool2(self.act2(self.conv2(x))).flatten(1)
        logits: Tensor = self.fc3(self.act4(self.fc2(self.act3(self.fc1(x)))))
        return logits


def _padding(shape: Shape) -> int:
    return 2 if min(shape[1:]) < FULL_SIZE else 0


def _features(shape: Shape) -> int:
    """Values that both stages leave: 16 maps of 5 x 5 for 28 x 28 padded and for 32 x 32; 0 for too small images."""
    padded = [pixels + 2 * _padding(shape) for pixels in shape[1:]]
    height, width = (max(0, ((pixels - KERNEL + 1) // 2 - KERNEL + 1) // 2) for pixels in padded)
    return 16 * height * width


class LeNet5(Host):
    """`conv1`, `conv2`, `fc1`, `fc2`, `fc3`."""

    config: LeNet5Config

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`; images of at least 12 x 12 pixels."""
        require_size("lenet5", shape, LEAST)
        normalize = Normalize(shape[0], self.config.mean, self.config.std)
        return LeNet5Network(normalize, shape, classes, self.config)
