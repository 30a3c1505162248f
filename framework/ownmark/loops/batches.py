"""Batches cut out of tensors that already lie on the device: no workers, no copies of images one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

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
        self._transforms = transforms
        self._rng = rng
        self.seen = 0

    def __len__(self) -> int:
        return math.ceil(len(self._samples) / self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        device = self._samples.x.device
        order = torch.randperm(len(self._samples), generator=self._rng, device=self._rng.device).to(device)
        for index in torch.tensor_split(order, len(self)):
            part = self._samples.select(index)
            batch = Batch(part.x, part.y, index)
            for transform in self._transforms:
                batch = transform(batch, self._rng)
            self.seen += len(batch.x)
            yield batch
