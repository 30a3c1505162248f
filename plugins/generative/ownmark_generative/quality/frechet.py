"""Frechet distance between made and real pictures (torchmetrics), on features of a choice of networks.

FID numbers compare on the same features only, so each choice is a metric with a name of its own. `random` is a fixed
convolution network with random weights: no download, any size, and it orders generators of one task much as trained
features do. Pictures [N, C, H, W] in [0, 1].
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from ownmark.contracts import evaluating, seeded


def three_channels(x: Tensor) -> Tensor:
    """[N, 3, H, W]: grey repeated, further channels left out."""
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x[:, :3]


class RandomFeatures(nn.Module):
    """Means and spreads over places of two convolution layers with weights of a fixed seed; 64 numbers a picture."""

    num_features = 64

    def __init__(self) -> None:
        super().__init__()
        with seeded(torch.Generator().manual_seed(20)):
            self.first, self.second = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
            for layer in (self.first, self.second):
                nn.init.orthogonal_(layer.weight, 2**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, 64]."""
        coarse = F.relu(self.first(2 * three_channels(x) - 1))
        fine = F.relu(self.second(F.avg_pool2d(coarse, 2))).flatten(2)
        return torch.cat([fine.mean(2), fine.std(2)], 1)


class PixelFeatures(nn.Module):
    """The picture itself in grey, shrunk to 8 x 8."""

    num_features = 64

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, 64]."""
        return F.adaptive_avg_pool2d(x.mean(1, keepdim=True), 8).flatten(1)


class _FID(FrechetInceptionDistance):
    """Takes made and real pictures at once."""

    higher_is_better = False
    at_once = 256

    def update(self, made: Tensor, real: Tensor) -> None:  # type: ignore[override]
        """Pictures [N, C, H, W] of both kinds."""
        with evaluating(self.inception):
            for pictures, are_real in ((real, True), (made, False)):
                for part in pictures.split(self.at_once):
                    super().update(self.prepared(part), are_real)

    def prepared(self, x: Tensor) -> Tensor:
        """Pictures as the features' network takes them."""
        return x


class RandomFID(_FID):
    """On `RandomFeatures`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(feature=RandomFeatures(), **kwargs)


class PixelFID(_FID):
    """On `PixelFeatures`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(feature=PixelFeatures(), **kwargs)


class InceptionFID(_FID):
    """On Inception's pool features, as papers report it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(feature=2048, normalize=True, **kwargs)

    def prepared(self, x: Tensor) -> Tensor:
        """In colour."""
        return three_channels(x)
