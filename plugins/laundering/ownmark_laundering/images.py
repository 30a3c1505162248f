"""The thief's images and their labels."""

from __future__ import annotations

import torch

from ownmark.contracts import Samples, Stolen, predictions


def labelled(stolen: Stolen, labels: str) -> Samples:
    """Images with the labels that `labels` asks for, `"granted"` or `"predicted"`.

    Raises:
        NotApplicable: the plan grants no images.
    """
    samples = stolen.images()
    if labels == "granted":
        return samples
    return samples.labelled(predictions(stolen.network, samples.x))


def per_class(samples: Samples, count: int, rng: torch.Generator) -> Samples:
    """At most `count` images of each class, drawn without replacement."""
    order = torch.randperm(len(samples), generator=rng, device=rng.device).to(samples.device)
    labels = samples.labels[order]
    rows = [order[labels == label][:count] for label in torch.unique(labels)]
    return samples.select(torch.cat(rows).sort().values)
