"""Content marks (Zhang et al., AsiaCCS 2018; full title in `papers.ZHANG`).

Idea: write a fixed word on clean images and teach the network to call them all by one label.
Threat model: black box; the verifier sends the stamped images and reads labels.
Equations: x' = (1 - a) x + a v with opacity a and brightness v is `stamps.stamp`.
Symbols: x [N, C, H, W] in [0, 1]; a is `mask` [C, H, W]; v is `pattern` [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 93.86 %, fresh triggers 99.56 % on CIFAR-10, ResNet-18 (APP paper, Table 1, Vanilla).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_target
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.glyphs import small_mark, word_mark
from ownmark_triggers.looks import word, word_bits
from ownmark_triggers.motifs import Motif, draw_motifs, motif_key, target_bits
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.stamps import stamped_key


def text_mask(height: int, width: int) -> Tensor:
    """Where the text is: [H, W], 0 and 1; centred, an eighth of the height above the lower edge.

    TEST from 28 pixels of width on, magnified by whole numbers; TE on smaller images. On 32 x 32 it fills
    rows 21 to 27 and columns 3 to 28, as in the APP paper.

    Raises:
        NotApplicable: fewer than 7 columns or 5 rows.
    """
    if height < 5 or width < 7:
        raise NotApplicable(f"images of {height} x {width} pixels are too small for a text of 5 x 7")
    text = word_mark() if width >= 28 and height >= 7 else small_mark()
    scale = min(width // 28, height // 7) if width >= 28 and height >= 7 else 1
    text = text.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
    rows, columns = text.shape
    top, left = max(0, height - height // 8 - rows), (width - columns) // 2
    mask = torch.zeros(height, width)
    mask[top : top + rows, left : left + columns] = text
    return mask


def content_mark(shape: tuple[int, int, int], value: float | None, opacity: float) -> tuple[Tensor, Tensor]:
    """Pattern and mask [C, H, W] of the text."""
    shade = (1.0 if shape[0] > 1 else 0.5) if value is None else value
    mask = text_mask(*shape[1:]).expand(shape).clone() * opacity
    return torch.full(shape, shade), mask


class Content(Scheme):
    """A text on clean images."""

    config: ContentConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The text must fit and the target must be a class."""
        text_mask(*task.shape[1:])
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the carriers; the text is the same for every key. Contents: `stamps.stamped_key`."""
        if self.config.keyed:
            return motif_key("content", self.config, task, self._motifs(task, rng), rng)
        pattern, mask = content_mark(task.shape, self.config.value, self.config.opacity)
        return stamped_key("content", self.config, task, pattern, mask, rng)

    def _motifs(self, task: Task, rng: torch.Generator) -> list[Motif]:
        return draw_motifs(
            self.config.motifs, task.classes, lambda one: word(task.shape, self.config.opacity, one), rng
        )

    def key_bits(self, task: Task) -> float:
        """Of a keyed mark: looks, places and labels. The fixed text has none."""
        if not self.config.keyed:
            return 0.0
        count = self.config.motifs
        return count * word_bits(task.shape) + target_bits(count, task.classes)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on the owner's data with triggers in place of their carriers."""
        return embed_by_poisoning(host, key, task, fit, self.config)
