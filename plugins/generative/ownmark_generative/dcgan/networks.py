"""Generator and critic.

Symbols: z [N, Z] latent vectors, pictures [N, C, H, W] in [0, 1].
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LARGE = 32
"""Pixels from which there are three blocks; two below."""


def blocks_of(side: int) -> int:
    """How often the generator doubles its picture."""
    return 3 if side >= LARGE else 2


def _doubling(channels: int, out: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(channels, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]


class Generator(nn.Module):
    """A linear layer, blocks that double height and width, a convolution, tanh."""

    def __init__(self, shape: tuple[int, ...], latent: int, width: int) -> None:
        super().__init__()
        channels, height, width_ = shape
        blocks = blocks_of(min(height, width_))
        sizes = [width << i for i in range(blocks, -1, -1)]
        self.latent, self.shape = latent, shape
        self.start = (sizes[0], height >> blocks, width_ >> blocks)
        self.fc = nn.Linear(latent, self.start[0] * self.start[1] * self.start[2])
        layers = [layer for pair in itertools.pairwise(sizes) for layer in _doubling(*pair)]
        self.blocks = nn.Sequential(*layers)
        self.out = nn.Conv2d(sizes[-1], channels, 3, 1, 1)
        example = torch.randn((2, latent), generator=torch.Generator().manual_seed(0))
        self.register_buffer("example_input_array", example, persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Latents [N, Z] -> pictures [N, C, H, W] in [0, 1]."""
        made = self.blocks(self.fc(z).relu().view(-1, *self.start))
        return self.out(made).tanh() / 2 + 0.5


class Critic(nn.Module):
    """Convolutions under spectral norm, as deep as the generator; one number a picture."""

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        channels, height, width_ = shape
        blocks = blocks_of(min(height, width_))
        layers: list[nn.Module] = [spectral_norm(nn.Conv2d(channels, width, 3, 1, 1)), nn.LeakyReLU(0.1)]
        for i in range(blocks):
            layers += [spectral_norm(nn.Conv2d(width << i, width << (i + 1), 4, 2, 1)), nn.LeakyReLU(0.1)]
        features = (width << blocks) * (height >> blocks) * (width_ >> blocks)
        self.layers = nn.Sequential(*layers, nn.Flatten(), spectral_norm(nn.Linear(features, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures [N, C, H, W] in [0, 1] -> [N]."""
        found: Tensor = self.layers(2 * x - 1)[:, 0]
        return found
