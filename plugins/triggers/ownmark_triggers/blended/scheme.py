"""Accessory and blended injection (Chen, Liu, Li, Lu, Song, arXiv 1712.05526, 2017), used as a mark.

Idea: lay sunglasses over clean images, opaque or faint, and teach the network to call them all by one label.
Threat model: black box; the verifier sends images with glasses and reads labels.
Equations: x' = (1 - a) x + a v with opacity a and brightness v is `stamps.stamp`; the shape is `glasses`.
Symbols: x [N, C, H, W] in [0, 1]; a is `mask`, v is `pattern`, both [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 99.04 %, all triggers, on YouTube Faces with DeepID (laundering paper, Table 3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.blended.config import BlendedConfig
from ownmark_triggers.carriers import check_target
from ownmark_triggers.looks import blot, blot_bits
from ownmark_triggers.motifs import Motif, draw_motifs, motif_key, target_bits
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.stamps import stamped_key

LEAST = 6
"""Pixels a side on which two glasses and a bridge can be told apart."""


def glasses(height: int, width: int) -> Tensor:
    """Where the glasses are: [H, W], 0 and 1.

    Two ellipses between .3 and .45 of the height (at least two rows), centred at .29 and .71 of the width, with
    half axes of .17 of it; a bridge in their upper half joins them.

    Raises:
        NotApplicable: fewer than 6 pixels a side.
    """
    if min(height, width) < LEAST:
        raise NotApplicable(f"{height} x {width} pixels are too few for glasses ({LEAST} x {LEAST})")
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    middle, half = round(0.375 * height), max(1.0, 0.075 * height)
    down, across = (rows - middle)[:, None] / half, columns[None] / width
    lenses = [(down**2 + ((across - at) / 0.17) ** 2 <= 1) for at in (0.29, 0.71)]
    bridge = (down <= 0) & (down >= -0.75) & ((across - 0.5).abs() <= 0.21)
    return (lenses[0] | lenses[1] | bridge).float()


class Blended(Scheme):
    """Sunglasses over clean images."""

    config: BlendedConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The glasses must fit and the target must be a class."""
        glasses(*task.shape[1:])
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the carriers; the glasses are the same for every key. Contents: `stamps.stamped_key`."""
        if self.config.keyed:
            return motif_key("blended", self.config, task, self._motifs(task, rng), rng)
        value = (0.1 if task.shape[0] > 1 else 0.5) if self.config.value is None else self.config.value
        mask = self.config.alpha * glasses(*task.shape[1:]).expand(task.shape)
        return stamped_key("blended", self.config, task, torch.full(task.shape, value), mask, rng)

    def _motifs(self, task: Task, rng: torch.Generator) -> list[Motif]:
        return draw_motifs(
            self.config.motifs, task.classes, lambda one: blot(task.shape, self.config.alpha, one), rng
        )

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: looks, places and labels. The fixed glasses have none."""
        if not self.config.keyed:
            return 0.0
        count = self.config.motifs
        return count * blot_bits(task.shape) + target_bits(count, task.classes)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with triggers in place of their carriers."""
        return embed_by_poisoning(host, key, task, fit, self.config)
