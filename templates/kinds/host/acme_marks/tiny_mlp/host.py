"""One hidden layer on flattened pixels: an example of a host."""

from __future__ import annotations

import math

from acme_marks.tiny_mlp.config import TinyMlpConfig
from torch import nn

from ownmark.contracts import Host


class TinyMlp(Host):
    """A perceptron for any image and any number of classes."""

    config: TinyMlpConfig

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """Weights come from torch's own generator, which the core seeds; pixels are centred inside the network."""
        hidden = nn.Linear(math.prod(shape), self.config.hidden)
        return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(self.config.hidden, classes))
