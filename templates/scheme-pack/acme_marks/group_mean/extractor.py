"""Reads the message of `group_mean`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acme_marks.group_mean.groups import carrier, draw_groups, group_means
from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import NotApplicable, Unreadable


class GroupMeanReader(Extractor):
    """White box. The message is random, so on unmarked networks bits match with probability 1/2."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """A positive mean is a 1.

        Raises:
            Unreadable: the suspect has no weight that could carry the mark.
        """
        bits = len(key["bits"])
        with torch.no_grad():
            weight = _carrier_of(suspect.network)
            means = group_means(weight, draw_groups(weight.numel(), bits, key.values["seed"]), bits)
        found = (means > 0) == key["bits"].bool().to(means.device)
        return Evidence(found.cpu(), chance=0.5)


def _carrier_of(suspect: nn.Module) -> Tensor:
    try:
        weight = carrier(suspect)
    except NotApplicable as error:  # what planning calls so is a result where a suspect is read
        raise Unreadable(str(error)) from error
    if not bool(weight.isfinite().all()):
        raise Unreadable("the suspect's largest weight holds values that are no numbers")
    return weight
