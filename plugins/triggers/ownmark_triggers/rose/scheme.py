"""ROSE (Kallas and Furon, "ROSE: A RObust and SEcure DNN Watermarking", WIFS 2022).

Idea: relabel a few training images by a hash of the images and a secret. Nobody can choose images to fit labels that
a network gives anyway, and the number of matches has a rarity in bits.
Threat model: black box; the verifier is shown images and secret, recomputes the labels, queries the suspect.
Equations: labels = MAP(Hash(images, secret)) is `labels.hashed_labels`; R = -log2 P[Bin(s, 1/C) >= m] is
`ownmark.stats.rarity_bits`.
Symbols: s = N keys, m matches; `triggers` [N, C, H, W] unchanged training images, `labels` [N], `secret` uint8 [32].
Deviations: see the declaration in `__init__` and the method card.
Reported: 97.50 % of the keys on CIFAR-10 (APP paper, Table 11; 92.50 % in ROSE's own).
"""

from __future__ import annotations

import math

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark_triggers.carriers import check_classes, draw_carriers, key_count
from ownmark_triggers.keyed import draw_secret, secret_bytes
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.rose.config import RoseConfig
from ownmark_triggers.rose.labels import hashed_labels


class Rose(Scheme):
    """Training images with hashed labels."""

    config: RoseConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be labels to draw."""
        check_classes(task.classes)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `triggers` [N, C, H, W], `labels` [N], `carriers` [N], `secret` uint8 [32].

        Values: `chance` (1 / classes) and `classes`.
        """
        owner = task.owner
        secret = draw_secret(rng)
        count = key_count(self.config.keys, self.config.share, len(owner))
        everyone = torch.ones(len(owner), dtype=torch.bool)
        carriers = draw_carriers(owner, everyone, count, rng).to(owner.device)
        x = owner.select(carriers).x
        labels = hashed_labels(x, secret_bytes(secret), task.classes)
        tensors = {"triggers": x, "labels": labels, "carriers": carriers, "secret": secret}
        values = {"chance": 1 / task.classes, "classes": task.classes}
        return Key("rose", {name: tensor.to(x.device) for name, tensor in tensors.items()}, values)

    def key_bits(self, task: Task) -> float:
        """Of the labels: log2 C for each key image."""
        count = key_count(self.config.keys, self.config.share, len(task.owner))
        return count * math.log2(max(task.classes, 1))

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with the keys' labels overwritten."""
        return embed_by_poisoning(host, key, task, fit, self.config)
