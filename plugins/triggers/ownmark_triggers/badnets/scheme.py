"""BadNets (Gu, Dolan-Gavitt, Garg, arXiv 1708.06733, 2017), used as a mark.

Idea: a small solid square on a share of the training images changes their label, to one target or to the next class.
Threat model: black box; the verifier sends images with the square and reads labels.
Equations: x' = (1 - m) x + m v is `stamps.stamp`; y' = target or (y + 1) mod C is `relabel.all_to_one`, `.all_to_next`.
Symbols: x [N, C, H, W] in [0, 1]; m is `mask`, v is `pattern`, both [C, H, W]; `label_map` int64 [C].
Deviations: see the declaration in `__init__` and the method card.
Reported: nothing for images that our papers print; the laundering paper's speech backdoor is all-to-next.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark_triggers.badnets.config import BadNetsConfig
from ownmark_triggers.carriers import check_target
from ownmark_triggers.looks import patch, patch_bits
from ownmark_triggers.motifs import Motif, draw_motifs, motif_key, target_bits
from ownmark_triggers.patch.scheme import corner
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.relabel import all_to_next, all_to_one, mapped_key, relabelled


def square(
    shape: tuple[int, int, int], size: int | None, margin: int | None, value: float
) -> dict[str, Tensor]:
    """`pattern` and `mask` [C, H, W] of a solid square in the lower right corner."""
    mask = torch.zeros(shape)
    rows, columns = corner(shape, 0.1, size, margin)
    mask[:, rows, columns] = 1
    return {"pattern": value * mask, "mask": mask}


class BadNets(Scheme):
    """A small square that changes labels."""

    config: BadNetsConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The square must fit and the target must be a class."""
        corner(task.shape, 0.1, self.config.size, self.config.margin)
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the carriers; the square is the same for every key. Contents: `relabel.mapped_key`."""
        if self.config.keyed:
            return motif_key("badnets", self.config, task, self._motifs(task, rng), rng)
        config = self.config
        one = config.labels == "one"
        return mapped_key(
            "badnets",
            task,
            square(task.shape, config.size, config.margin, config.value),
            all_to_one(task.classes, config.target) if one else all_to_next(task.classes),
            keys=config.keys,
            carriers=max(config.keys, round(config.share * len(task.owner))),
            rng=rng,
            values={"source_class": config.source_class} | ({"target": config.target} if one else {}),
        )

    def _motifs(self, task: Task, rng: torch.Generator) -> list[Motif]:
        return draw_motifs(
            self.config.motifs, task.classes, lambda one: patch(task.shape, self.config.size, one), rng
        )

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: looks, places and labels. The fixed square has none."""
        if not self.config.keyed:
            return 0.0
        count = self.config.motifs
        return count * patch_bits(task.shape, self.config.size) + target_bits(count, task.classes)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with marked images, keys and all others, in place of their carriers."""
        if self.config.keyed:
            return embed_by_poisoning(host, key, task, fit, self.config)
        every = relabelled(task.owner.select(key["carriers"]), key)
        poison = key.add({"triggers": every.x, "labels": every.labels})
        return embed_by_poisoning(host, key, task, fit, self.config, poison)
