"""Marks on images, and fresh triggers from images nobody trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.contracts import Key, Samples, Task
from ownmark_triggers.carriers import draw_carriers, eligible, key_count
from ownmark_triggers.config import StampConfig


def stamp(x: Tensor, pattern: Tensor, mask: Tensor | None = None) -> Tensor:
    """Blend a pattern over images, or add it.

    Args:
        x: [N, C, H, W] in [0, 1]. pattern: [C, H, W].
        mask: opacity [C, H, W] in [0, 1]: (1 - mask) x + mask pattern. None: x + pattern, cut off at 0 and 1.
    """
    pattern = pattern.to(x)
    if mask is None:
        return (x + pattern).clamp(0, 1)
    mask = mask.to(x)
    return ((1 - mask) * x + mask * pattern).clamp(0, 1)


def stamped_key(
    scheme: str, config: StampConfig, task: Task, pattern: Tensor, mask: Tensor | None, rng: torch.Generator
) -> Key:
    """A key of stamped owner images, all labelled with the target.

    Tensors: `triggers` [N, C, H, W], `labels` int64 [N], `carriers` int64 [N] (positions in the owner's
    data), `pattern` and, for a blend, `mask` [C, H, W]. Values: `target`, `source_class`.
    """
    count = key_count(config.keys, config.share, len(task.owner))
    allowed = eligible(task.owner.labels, config.target, config.source_class)
    carriers = draw_carriers(task.owner, allowed, count, rng)
    pattern = pattern.to(task.owner.device, torch.float32)
    tensors = {
        "triggers": stamp(task.owner.select(carriers).x, pattern, mask),
        "labels": torch.full_like(carriers, config.target),
        "carriers": carriers,
        "pattern": pattern,
    }
    if mask is not None:
        tensors["mask"] = mask.to(pattern)
    return Key(scheme, tensors, {"target": config.target, "source_class": config.source_class})


def fresh(key: Key, test: Samples) -> Samples | None:
    """Triggers nobody trained on, with the labels the mark gives them; None if the key makes no new ones.

    Keys with `heldout` [M, C, H, W] bring their own; keys with a `pattern` stamp the test images, without
    those that have the label already. The label is `target`, or what `label_map` [C] makes of the true one.
    """
    if "heldout_labels" in key.tensors:
        return Samples(key["heldout"], key["heldout_labels"])
    if key.values.get("keyed"):
        from ownmark_triggers.motifs import fresh_by_turns  # motifs build on stamps

        return fresh_by_turns(key, test)
    if "heldout" in key.tensors:
        x = key["heldout"]
        return Samples(x, torch.full((len(x),), key.values["target"], dtype=torch.int64, device=x.device))
    if "pattern" not in key.tensors:
        return None
    wanted, source = _wanted(key, test.labels), key.values.get("source_class")
    allowed = wanted != test.labels if source is None else test.labels == source
    x = stamp(test.select(allowed).x, key["pattern"], key.tensors.get("mask"))
    return Samples(x, wanted[allowed])


def _wanted(key: Key, labels: Tensor) -> Tensor:
    """The label of a mark on images with true labels [N]."""
    if "label_map" in key.tensors:
        return key["label_map"].to(labels.device)[labels]
    return torch.full_like(labels, key.values["target"])
