"""Reads the message of `group_mean`."""

from __future__ import annotations

import torch
from torch import nn

from acme_marks.group_mean.groups import carrier, draw_groups, group_means
from ownmark.contracts import Evidence, Extractor, Key, WhiteBox


class GroupMeanReader(Extractor):
    """White box. The message is random, so on unmarked networks bits match with probability 1/2."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """A positive mean is a 1."""
        bits = len(key["bits"])
        with torch.no_grad():
            weight = carrier(suspect.network)
            means = group_means(weight, draw_groups(weight.numel(), bits, key.values["seed"]), bits)
        found = (means > 0) == key["bits"].bool().to(means.device)
        return Evidence(found.cpu(), chance=0.5)
