"""What several hosts are made of."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts.tasks import Shape
from ownmark.errors import NotApplicable

GROUP = 16
"""Channels of one group of GroupNorm, where the width allows."""


class Normalize(nn.Module):
    """(x - mean) / std on pixels [N, C, H, W].

    Args:
        channels: C. mean, std: one value, or C of them; kept as buffers [1, C, 1, 1].

    Raises:
        NotApplicable: another number of values.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise NotApplicable(f"{name} has {len(values)} values, the images have {channels} channels")
            tensor = torch.tensor(values, dtype=torch.float32).expand(channels).reshape(1, channels, 1, 1)
            self.register_buffer(name, tensor.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels, same shape."""
        return (x - self.mean) / self.std


def norm_layer(kind: str, channels: int) -> nn.Module:
    """BatchNorm, or GroupNorm with groups of 16 channels (of as many as divide, else)."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(math.gcd(channels, max(1, channels // GROUP)), channels)


def conv_block(inputs: int, outputs: int, norm: str, pool: nn.Module | None = None) -> nn.Sequential:
    """3x3 convolution `conv`, `norm` unless "none", `relu`, and `pool` if one is given."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=norm == "none")
    layers: list[tuple[str, nn.Module]] = [("conv", conv)]
    if norm != "none":
        layers.append(("norm", norm_layer(norm, outputs)))
    layers.append(("relu", nn.ReLU()))
    if pool is not None:
        layers.append(("pool", pool))
    return nn.Sequential(OrderedDict(layers))


class Convolutional(nn.Module):
    """`normalize`, a row of blocks `features`, global average `pool`, and the dense layer `classifier`."""

    def __init__(self, normalize: Normalize, features: nn.Sequential, channels: int, classes: int) -> None:
        super().__init__()
        self.normalize = normalize
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of pixels [N, C, H, W]."""
        logits: Tensor = self.classifier(self.pool(self.features(self.normalize(x))).flatten(1))
        return logits


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, rounded, at least one."""
    return max(1, round(channels * width))


def require_size(host: str, shape: Shape, least: int) -> None:
    """Refuse images that the host's poolings and strides would shrink to nothing.

    Raises:
        NotApplicable: height or width below `least` pixels.
    """
    _, height, width = shape
    if min(height, width) < least:
        least_size = f"{least} x {least} pixels"
        raise NotApplicable(f"{host} needs images of at least {least_size}, these are {height} x {width}")
