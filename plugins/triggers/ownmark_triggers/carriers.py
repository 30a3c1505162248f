"""Which of the owner's images become triggers."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.contracts import Samples
from ownmark.errors import NotApplicable

LEAST = 50
"""Fewer triggers than this cannot carry a verdict: 1 % of a small data set would be far too few."""


def key_count(keys: int, share: float, owner: int) -> int:
    """Number of triggers: `keys`, or for 0 the share of `owner` images, at least `LEAST`."""
    return keys or max(LEAST, round(share * owner))


def check_target(classes: int, target: int, source_class: int | None = None) -> None:
    """Raise `NotApplicable` unless target and source are two of the task's classes."""
    if classes < 2:
        raise NotApplicable("triggers need a wrong label, so a task of at least two classes")
    for name, label in (("target", target), ("source_class", source_class)):
        if label is not None and label >= classes:
            raise NotApplicable(
                f"{name} {label} is not one of the task's {classes} classes (0 to {classes - 1})"
            )
    if source_class == target:
        raise NotApplicable(f"source_class and target are both {target}; triggers need a wrong label")


def check_classes(classes: int) -> None:
    """Raise `NotApplicable` unless there are two classes to tell apart."""
    if classes < 2:
        raise NotApplicable(f"labels of {classes} class say nothing; a task needs at least 2")


def eligible(labels: Tensor, target: int, source_class: int | None = None) -> Tensor:
    """Bool [N]: images whose label is not the target, or is the source class if one is given."""
    return labels != target if source_class is None else labels == source_class


def draw_carriers(owner: Samples, allowed: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Positions int64 [count] of images to stamp, distinct, in random order.

    Args:
        allowed: bool [N], which of the owner's images may be drawn.

    Raises:
        NotApplicable: fewer than `count` are allowed.
    """
    places = allowed.nonzero().flatten()
    if len(places) < count:
        raise NotApplicable(
            f"{count} triggers need as many carriers; the owner has {len(places)} such images. Lower `keys`"
        )
    order = torch.randperm(len(places), generator=rng, device=rng.device)[:count]
    return places[order.to(places.device)]
