"""Null models of another recipe: trained on noisy images, as innocents with other augmentation are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ownmark.contracts.samples import Batch, Samples
from ownmark.runner.controls import are_classes

LOOKED_AT = 1024
"""Images that tell how much images vary."""


@dataclass(frozen=True)
class Noise:
    """Batch transform: Gaussian noise of standard deviation `sd`, cut to what images hold, `low` to `high`."""

    sd: float
    low: float
    high: float
    capturable: ClassVar[bool] = True

    @classmethod
    def like(cls, samples: Samples, amount: float) -> Noise:
        """Noise of `amount` standard deviations of some images."""
        x = samples.select(torch.arange(min(len(samples), LOOKED_AT), device=samples.device)).x
        return cls(amount * float(x.std()), float(x.min()), float(x.max()))

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch with noise."""
        drawn = torch.randn(batch.x.shape, generator=rng, device=rng.device).to(batch.x)
        return batch.with_images((batch.x + self.sd * drawn).clamp(self.low, self.high))


def takes_noise(samples: Samples) -> bool:
    """Whether these are images with a class each; texts and pictures without labels are left alone."""
    return (
        are_classes(samples) and samples.select(torch.arange(1, device=samples.device)).x.is_floating_point()
    )


def with_noise(images: str, amount: float) -> str:
    """The name of images that are seen with noise."""
    return f"{images}, noise {amount:g}" if amount else images


def parts_of(images: str) -> tuple[str, float]:
    """Which images, and how much noise: the inverse of `with_noise`."""
    which, _, amount = images.partition(", noise ")
    return which, float(amount or 0)
