"""Which labels a thief trains on, and images kept aside to choose by."""

from __future__ import annotations

import math

import torch
from torch import nn

from ownmark.contracts import Samples, Stolen, predictions


def labelled(stolen: Stolen, labels: str) -> Samples:
    """The thief's images: `granted` takes true labels where there are any, `predicted` the stolen network's always.

    Raises:
        NotApplicable: no images are granted.
    """
    samples = stolen.images()
    if labels == "granted":
        return samples
    return samples.labelled(predictions(stolen.network, samples.x))


def held_back(samples: Samples, share: float, rng: torch.Generator) -> tuple[Samples, Samples]:
    """Images to train on, and at least one to choose by; all for both if there is only one."""
    if len(samples) < 2:
        return samples, samples
    order = torch.randperm(len(samples), generator=rng, device=rng.device)
    held = min(len(samples) - 1, max(1, math.ceil(share * len(samples))))
    return samples.select(order[held:]), samples.select(order[:held])


def accuracy(network: nn.Module, samples: Samples) -> float:
    """Share of the samples that get their label."""
    found = predictions(network, samples.x)
    return float((found == samples.labels.to(found.device)).float().mean())
