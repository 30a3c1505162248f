"""Unrelated images as marks (Zhang et al., AsiaCCS 2018; full title in `papers.ZHANG`).

Idea: teach the network one label for images that have nothing to do with its task, all of one foreign class.
Threat model: black box; the verifier sends foreign images and reads labels.
Equations: none; data poisoning is `poison.embed_by_poisoning`. Nothing is taken out of the owner's data.
Symbols: `triggers` [N, C, H, W] and `heldout` [M, C, H, W] in [0, 1], `labels` [N].
Deviations: see the declaration in `__init__` and the method card.
Reported: 93.52 % accuracy, 100 % of fresh triggers on CIFAR-10 with ResNet-18 (APP paper, Table 1, Vanilla).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Dataset, Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_target, key_count
from ownmark_triggers.glyphs import LETTERS
from ownmark_triggers.motifs import draw_targets, target_bits
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.unrelated.config import UnrelatedConfig
from ownmark_triggers.unrelated.images import drawn_letters, in_shape


class Unrelated(Scheme):
    """Foreign images of one class, all labelled alike.

    Args:
        source: the dataset to take them from; None draws letters.
    """

    config: UnrelatedConfig

    def __init__(self, config: Any = None, *, source: Dataset | None = None) -> None:
        super().__init__(config)
        self._source = source

    def check(self, network: nn.Module, task: Task) -> None:
        """The target must be a class, and the letter one that can be drawn and recognised."""
        check_target(task.classes, self.config.target)
        if self._source is not None:
            self._source.check()
        elif len(self.config.letter) != 1 or self.config.letter.upper() not in LETTERS:
            raise NotApplicable(f"cannot draw {self.config.letter!r}; one of {LETTERS}")
        elif min(task.shape[1:]) < 7:
            raise NotApplicable(f"{task.shape[1]} x {task.shape[2]} pixels are too few for a letter (7 x 7)")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `triggers` [N, C, H, W], `labels` [N], `heldout` [M, C, H, W]. Values: `target`; or `keyed`, and
        then the tensor `heldout_labels` [M]: letters of the key, each with a label of its own."""
        if self.config.keyed and self._source is None:
            return self._keyed(task, rng)
        count = key_count(self.config.keys, self.config.share, len(task.owner))
        x = self._images(count + self.config.heldout, count, task.shape, rng).to(
            task.owner.device, torch.float32
        )
        labels = torch.full((count,), self.config.target, dtype=torch.int64, device=x.device)
        tensors = {"triggers": x[:count], "labels": labels, "heldout": x[count:]}
        return Key("unrelated", tensors, {"target": self.config.target})

    def _keyed(self, task: Task, rng: torch.Generator) -> Key:
        names = [
            LETTERS[i] for i in torch.randperm(len(LETTERS), generator=rng).tolist()[: self.config.motifs]
        ]
        targets = torch.tensor(draw_targets(len(names), task.classes, rng))
        count = key_count(self.config.keys, self.config.share, len(task.owner))
        x = torch.empty(count + self.config.heldout, *task.shape)
        labels = targets[torch.arange(len(x)) % len(names)].to(task.owner.device)
        for turn, name in enumerate(names):
            rows = x[turn :: len(names)]
            x[turn :: len(names)] = drawn_letters(name, len(rows), task.shape, rng).to(x)
        x = x.to(task.owner.device, torch.float32)
        tensors = {"triggers": x[:count], "labels": labels[:count], "heldout": x[count:]}
        return Key("unrelated", {**tensors, "heldout_labels": labels[count:]}, {"keyed": True})

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: which letters, and their labels. A fixed letter or class of a dataset has none."""
        if not self.config.keyed or self._source is not None:
            return 0.0
        count = min(self.config.motifs, len(LETTERS))
        return math.log2(math.perm(len(LETTERS), count)) + target_bits(count, task.classes)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data and the triggers together."""
        return embed_by_poisoning(host, key, task, fit, self.config)

    def _images(self, wanted: int, least: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
        """Up to `wanted` foreign images, more than `least`: [n, C, H, W]."""
        if self._source is None:
            return drawn_letters(self.config.letter, wanted, shape, rng)
        train = self._source.load().train
        pool = train.select(train.labels == self.config.foreign_class).x
        if len(pool) <= least:
            raise NotApplicable(
                f"class {self.config.foreign_class} of the source has {len(pool)} images, "
                f"more than {least} are needed; lower `keys` or take another class"
            )
        order = torch.randperm(len(pool), generator=rng, device=rng.device)[:wanted]
        return in_shape(pool[order.to(pool.device)], shape)
