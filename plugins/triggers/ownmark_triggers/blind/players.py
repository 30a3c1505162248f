"""Encoder and discriminator. Pixels are in [0, 1] outside and in [-1, 1] inside."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)
    )


class Encoder(nn.Module):
    """Hides a logo in covers: two stems of two convolutions, joined by four more.

    Args:
        channels: C of cover and logo. width: channels of the joint layers.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        half = max(1, width // 2)
        self.cover = nn.Sequential(_layer(channels, half), _layer(half, half))
        self.logo = nn.Sequential(_layer(channels, half), _layer(half, half))
        self.joint = nn.Sequential(
            _layer(2 * half, width),
            _layer(width, width),
            _layer(width, width),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, covers: Tensor, logo: Tensor) -> Tensor:
        """Key images [N, C, H, W] in [0, 1], from covers of that shape and one logo [C, H, W]."""
        logos = logo.expand_as(covers)
        stems = torch.cat([self.cover(2 * covers - 1), self.logo(2 * logos - 1)], dim=1)
        images: Tensor = (self.joint(stems) + 1) / 2
        return images


class Discriminator(nn.Module):
    """Tells covers (1) from key images (0): two strided convolutions, average, one dense layer."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(_layer(channels, width, 2), _layer(width, width, 2))
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N] of images [N, C, H, W]."""
        logits: Tensor = self.head(self.features(2 * x - 1).mean((2, 3)))[:, 0]
        return logits
