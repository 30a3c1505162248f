"""Null models are independent networks; copies of one would make a threshold of one model look like one of many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import nn

from ownmark.errors import NotApplicable


def distinct(networks: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The same networks.

    Raises:
        NotApplicable: two of them have the same weights.
    """
    seen: dict[str, int] = {}
    for number, network in enumerate(networks):
        earlier = seen.setdefault(_digest(network), number)
        if earlier != number:
            raise NotApplicable(
                f"null models {earlier} and {number} have the same weights: they are copies of one network and say no "
                "more than one does. A host that loads its weights must be trained anew for each null model; to mark "
                "trained weights, use `module` with `weights`, and `null_weights` or a recipe for the null models"
            )
        yield network


def _digest(network: nn.Module) -> str:
    state = hashlib.sha256()
    for parameter in network.parameters():
        flat = parameter.detach().cpu().contiguous().reshape(-1)
        state.update(flat.view(torch.uint8).numpy().tobytes())
    return state.hexdigest()
