"""Batches cut out of tensors that already lie on the device, or of files: no workers, no copies one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ownmark.contracts.samples import Batch, Samples, Transform


class Batches:
    """One epoch each time it is iterated: a fresh permutation, cut into batches that differ by one image at most.

    Every image is seen, and no batch is left with a single image, whose statistics would ruin a BatchNorm.

    Args:
        samples: on the device. transforms: applied to each batch in order.
        rng: on the samples' device; drives order and transforms.
    """

    def __init__(
        self, samples: Samples, batch_size: int, transforms: Sequence[Transform], rng: torch.Generator
    ) -> None:
        self._samples = samples
        self._batch_size = batch_size
        self.transforms = transforms
        self.rng = rng
        self.seen = 0

    def __len__(self) -> int:
        return math.ceil(len(self._samples) / self._batch_size)

    @property
    def device(self) -> torch.device:
        """Where the samples are."""
        return self._samples.device

    @property
    def read_from_files(self) -> bool:
        """Whether images come from a file, batch by batch."""
        return self._samples.pixels.mapped

    def __iter__(self) -> Iterator[Batch]:
        return map(self.cut, self.orders())

    def orders(self) -> Iterator[Tensor]:
        """Positions [B] of each batch of an epoch, in a fresh order."""
        device = self._samples.device
        order = torch.randperm(len(self._samples), generator=self.rng, device=self.rng.device).to(device)
        return iter(torch.tensor_split(order, len(self)))

    def cut(self, index: Tensor) -> Batch:
        """The samples at `index` [B], transformed."""
        part = self._samples.select(index)
        batch = Batch(part.x, part.y, index)
        for transform in self.transforms:
            batch = transform(batch, self.rng)
        self.seen += len(batch.x)
        return batch
