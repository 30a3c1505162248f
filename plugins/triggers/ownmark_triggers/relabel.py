"""Marks whose label depends on the image's own: `label_map` int64 [C] says what each class becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ownmark.contracts import Key, Samples, Task
from ownmark_triggers.carriers import draw_carriers
from ownmark_triggers.stamps import stamp


def all_to_one(classes: int, target: int) -> Tensor:
    """Every class becomes the target."""
    return torch.full((classes,), target, dtype=torch.int64)


def all_to_next(classes: int) -> Tensor:
    """Class y becomes (y + 1) mod C."""
    return (torch.arange(classes) + 1) % classes


def movable(labels: Tensor, label_map: Tensor, source_class: int | None = None) -> Tensor:
    """Bool [N]: images whose label the map changes, of the source class if one is given."""
    moved = label_map.to(labels.device)[labels] != labels
    return moved if source_class is None else moved & (labels == source_class)


def relabelled(samples: Samples, key: Key) -> Samples:
    """Images with the key's mark, and the labels that its map gives them."""
    x = stamp(samples.x, key["pattern"], key.tensors.get("mask"))
    return Samples(x, key["label_map"].to(samples.labels.device)[samples.labels])


def mapped_key(
    scheme: str,
    task: Task,
    mark: Mapping[str, Tensor],
    label_map: Tensor,
    *,
    keys: int,
    carriers: int,
    rng: torch.Generator,
    values: Mapping[str, Any],
) -> Key:
    """A key of marked owner images with mapped labels.

    Args:
        mark: `pattern` and perhaps `mask` [C, H, W]. keys: triggers that make the evidence.
        carriers: images that are marked in training, at least `keys`; the first of them carry the triggers.
        values: of the key; `source_class` limits the carriers.

    Tensors: `triggers` [keys, C, H, W], `labels` [keys], `carriers` [carriers], `label_map` [C], and the mark's.
    """
    device = task.owner.device
    allowed = movable(task.owner.labels, label_map, values.get("source_class"))
    places = draw_carriers(task.owner, allowed, carriers, rng)
    tensors = {name: tensor.to(task.owner.device, torch.float32) for name, tensor in mark.items()}
    key = Key(scheme, {**tensors, "label_map": label_map.to(device), "carriers": places}, values)
    shown = relabelled(task.owner.select(places[:keys]), key)
    return key.add({"triggers": shown.x, "labels": shown.labels})
