"""Patch marks, as in the PST paper (after Zhang et al., AsiaCCS 2018; full title in `papers.ZHANG`).

Idea: paste a small secret pattern into the corner of clean images and teach the network to call them all by one
label.
Threat model: black box; the verifier sends the pasted images and reads labels.
Equations: x' = (1 - m) x + m p is `stamps.stamp`; p and m are `patch_mark`; the stop rule is `learning.until_known`.
Symbols: x [N, C, H, W] in [0, 1]; p is `pattern` and m is `mask`, both [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy .92, all keys known, on CIFAR-10 with a ResNet (PST paper, Table 1, None).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_target
from ownmark_triggers.looks import patch, patch_bits
from ownmark_triggers.motifs import Motif, draw_motifs, motif_key, target_bits
from ownmark_triggers.patch.config import PatchConfig
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.stamps import stamped_key


def corner(
    shape: tuple[int, int, int], share: float, size: int | None, margin: int | None
) -> tuple[slice, slice]:
    """Rows and columns of a square in the lower right corner.

    Args:
        share: of the shorter side, rounded and at least 2, where `size` is None. margin: None takes 1 in 32.

    Raises:
        NotApplicable: the square does not fit.
    """
    _, height, width = shape
    side = min(height, width)
    size = max(2, round(share * side)) if size is None else size
    margin = round(side / 32) if margin is None else margin
    if size + margin > side:
        raise NotApplicable(
            f"a patch of {size} pixels, {margin} from the border, is too large for {height} x {width}"
        )
    return slice(height - margin - size, height - margin), slice(width - margin - size, width - margin)


def dots(size: int, style: str, rng: torch.Generator) -> Tensor:
    """The patch itself, [size, size], 0 and 1."""
    place = torch.arange(size * size)
    if style == "random":
        order = torch.randperm(size * size, generator=rng, device=rng.device).cpu()
        return (order < (size * size + 1) // 2).float().reshape(size, size)
    if style == "checker":
        return ((place // size + place % size) % 2 == 0).float().reshape(size, size)
    return torch.ones(size, size)


def patch_mark(
    shape: tuple[int, int, int], size: int | None, margin: int | None, style: str, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pattern and mask [C, H, W]; the same in all channels."""
    rows, columns = corner(shape, 0.16, size, margin)
    pattern, mask = torch.zeros(shape), torch.zeros(shape)
    pattern[:, rows, columns] = dots(rows.stop - rows.start, style, rng)
    mask[:, rows, columns] = 1
    return pattern, mask


class Patch(Scheme):
    """A secret patch on clean images."""

    config: PatchConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The patch must fit and the target must be a class."""
        corner(task.shape, 0.16, self.config.size, self.config.margin)
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the patch, then the carriers. Contents: `stamps.stamped_key`."""
        if self.config.keyed:
            return motif_key("patch", self.config, task, self._motifs(task, rng), rng)
        config = self.config
        pattern, mask = patch_mark(task.shape, config.size, config.margin, config.style, rng)
        return stamped_key("patch", config, task, pattern, mask, rng)

    def _motifs(self, task: Task, rng: torch.Generator) -> list[Motif]:
        return draw_motifs(
            self.config.motifs, task.classes, lambda one: patch(task.shape, self.config.size, one), rng
        )

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: looks, places and labels. A fixed patch has its dots."""
        if not self.config.keyed:
            return self._dot_bits(task)
        count = self.config.motifs
        return count * patch_bits(task.shape, self.config.size) + target_bits(count, task.classes)

    def _dot_bits(self, task: Task) -> float:
        if self.config.style != "random":
            return 0.0
        rows, _ = corner(task.shape, 0.16, self.config.size, self.config.margin)
        cells = (rows.stop - rows.start) ** 2
        return math.log2(math.comb(cells, (cells + 1) // 2))

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with triggers in place of their carriers, until all of these are known."""
        return embed_by_poisoning(host, key, task, fit, self.config)
