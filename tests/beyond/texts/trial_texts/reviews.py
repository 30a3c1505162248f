"""Sentences of a made-up language: which words stand beside which tells the class."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.config import Count, configuration
from ownmark.contracts import Dataset, Form, Images, Inputs, Samples

TOKENS, LENGTH, CLASSES, COMMON = 60, 12, 4, 40
"""Token ids 1..39 are what people write; 40 and above hardly anybody does."""


@configuration
class ReviewsConfig:
    """Parameters of `reviews`."""

    train: Count = 600
    """Sentences to train on."""
    test: Count = 200
    """Sentences to test on."""


class Reviews(Dataset):
    """Of each class, a third of the words come from eight of its own; the rest is common to all."""

    config: ReviewsConfig

    def load(self) -> Images:
        """Token ids [N, 12] and labels [N]."""
        train, test = self._part(self.config.train, 0), self._part(self.config.test, 1)
        return Images(train, test, CLASSES, inputs=Inputs(Form.TOKENS, TOKENS))

    def _part(self, count: int, seed: int) -> Samples:
        rng = torch.Generator().manual_seed(seed)
        labels = torch.arange(count) % CLASSES

        def draw(low: int, high: int) -> Tensor:
            return torch.randint(low, high, (count, LENGTH), generator=rng)

        own = 1 + 8 * labels[:, None] + draw(0, 8)
        telling = torch.rand((count, LENGTH), generator=rng) < 1 / 3
        sentences = torch.where(telling, own, draw(33, COMMON))
        rare = torch.rand((count, LENGTH), generator=rng) < 0.01
        return Samples(torch.where(rare, draw(COMMON, TOKENS), sentences), labels)
