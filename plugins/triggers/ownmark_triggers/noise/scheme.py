"""Noise marks (Zhang et al., AsiaCCS 2018; full title in `papers.ZHANG`).

Idea: add one secret noise pattern to clean images and teach the network to call them all by one label.
Threat model: black box; the verifier sends the noisy images and reads labels.
Equations: x' = clip(x + sd n, 0, 1), n ~ N(0, 1) drawn once, is `stamps.stamp`.
Symbols: x [N, C, H, W] in [0, 1]; sd n is `pattern` [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 93.57 %, fresh triggers 99.99 % on CIFAR-10, ResNet-18 (APP paper, Table 1, Vanilla).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark_triggers.carriers import check_target
from ownmark_triggers.motifs import SEED_BITS, Motif, draw_motifs, motif_key, target_bits
from ownmark_triggers.noise.config import NoiseConfig
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.stamps import stamped_key


def usual_sd(height: int, width: int) -> float:
    """Standard deviation by image size: .1 from 32 pixels on, .2 from 16, .25 below."""
    side = min(height, width)
    return 0.1 if side >= 32 else 0.2 if side >= 16 else 0.25


def noise_pattern(shape: tuple[int, int, int], sd: float, rng: torch.Generator) -> Tensor:
    """sd * N(0, 1), [C, H, W]."""
    return sd * torch.randn(shape, generator=rng, device=rng.device)


class Noise(Scheme):
    """One fixed noise pattern on clean images."""

    config: NoiseConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The target must be a class."""
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the pattern, then the carriers. Contents: `stamps.stamped_key`."""
        if self.config.keyed:
            return motif_key("noise", self.config, task, self._motifs(task, rng), rng)
        return stamped_key(
            "noise", self.config, task, noise_pattern(task.shape, self._sd(task), rng), None, rng
        )

    def _sd(self, task: Task) -> float:
        return usual_sd(*task.shape[1:]) if self.config.sd is None else self.config.sd

    def _motifs(self, task: Task, rng: torch.Generator) -> list[Motif]:
        return draw_motifs(
            self.config.motifs,
            task.classes,
            lambda one: (noise_pattern(task.shape, self._sd(task), one), None),
            rng,
        )

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: looks, places and labels. The noise is the seed's."""
        if not self.config.keyed:
            return SEED_BITS
        count = self.config.motifs
        return count * SEED_BITS + target_bits(count, task.classes)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with triggers in place of their carriers."""
        return embed_by_poisoning(host, key, task, fit, self.config)
