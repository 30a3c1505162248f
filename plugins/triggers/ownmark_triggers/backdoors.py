"""Backdoors with one look for every key, used as marks: all to one label, or each to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from ownmark.config import Count, configuration
from ownmark.contracts import Fit, HostView, Key, Marked, Task
from ownmark_triggers.config import FinishConfig, StampConfig
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.relabel import all_to_next, all_to_one, mapped_key, relabelled


@configuration
class BackdoorConfig(FinishConfig, StampConfig):
    """How much is marked, and what it is called."""

    keys: Count = 100
    """Number of triggers that make the evidence; the first of the marked images."""
    share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the owner's data that is marked (ours; the paper gives none); at least `keys` images."""
    labels: Literal["one", "next"] = "one"
    """`one`: all become `target`; `next`: class y becomes (y + 1) mod C."""


def backdoor_key(
    scheme: str, config: BackdoorConfig, task: Task, mark: Mapping[str, Tensor], rng: torch.Generator
) -> Key:
    """Draws the carriers; `mark` is `pattern` and `mask` [C, H, W]. Contents: `relabel.mapped_key`."""
    one = config.labels == "one"
    return mapped_key(
        scheme,
        task,
        mark,
        all_to_one(task.classes, config.target) if one else all_to_next(task.classes),
        keys=config.keys,
        carriers=max(config.keys, round(config.share * len(task.owner))),
        rng=rng,
        values={"source_class": config.source_class} | ({"target": config.target} if one else {}),
    )


def embed_backdoor(host: HostView, key: Key, task: Task, fit: Fit, config: BackdoorConfig) -> Marked:
    """Train on the owner's data with marked images, keys and all others, in place of their carriers."""
    every = relabelled(task.owner.select(key["carriers"]), key)
    poison = key.add({"triggers": every.x, "labels": every.labels})
    return embed_by_poisoning(host, key, task, fit, config, poison)
