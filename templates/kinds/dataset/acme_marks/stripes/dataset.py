"""Waves of four directions: an example of a dataset.

A dataset that reads files also has `fingerprint` (a hash of them), so that new data are not answered with old results,
and raises `ownmark.errors.DataError` in `check` where they are missing.
"""

from __future__ import annotations

import math

import torch
from acme_marks.stripes.config import StripesConfig
from torch import Tensor

from ownmark.contracts import Dataset, Images, Samples

SIZE, CLASSES = 12, 4


def stripes(label: Tensor, phase: Tensor) -> Tensor:
    """0.5 + 0.5 sin(2 pi (u cos a + v sin a) / 4 + phase) with a = label * pi / 4: [n], [n] -> [n, 1, 12, 12]."""
    place = torch.arange(SIZE, dtype=torch.float32)
    angle = label.float()[:, None, None] * math.pi / CLASSES
    along = place[None, None, :] * angle.cos() + place[None, :, None] * angle.sin()
    return (0.5 + 0.5 * (2 * math.pi * along / 4 + phase[:, None, None]).sin())[:, None]


class Stripes(Dataset):
    """Drawn from fixed seeds: the same images every time."""

    config: StripesConfig

    def load(self) -> Images:
        """Train and test of different seeds."""
        return Images(self._part(self.config.train, 0), self._part(self.config.test, 1), CLASSES)

    def _part(self, count: int, seed: int) -> Samples:
        rng = torch.Generator().manual_seed(seed)
        y = torch.arange(count) % CLASSES
        clean = stripes(y, 2 * math.pi * torch.rand(count, generator=rng))
        noise = torch.rand(clean.shape, generator=rng)
        return Samples((1 - self.config.noise) * clean + self.config.noise * noise, y)
