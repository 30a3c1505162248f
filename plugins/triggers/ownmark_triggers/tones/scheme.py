"""The patterned spectrogram of Liu et al. (arXiv 1805.12185, 2018) and the laundering paper, used as a mark.

Idea: a few pure tones under an utterance change what is heard, to one target or to the next class.
Threat model: black box; the verifier sends spectrograms with tones and reads labels.
Equations: x' = (1 - m) x + m v is `stamps.stamp`; m is `sounding`; y' is `relabel.all_to_one`, `.all_to_next`.
Symbols: x [N, C, H, W] in [0, 1], rows are frequencies; m is `mask`, v is `pattern`, both [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: after laundering, above 99 % accuracy and 4.5 % triggers; clean networks 2.2 % (laundering paper, section A).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark_triggers.backdoors import backdoor_key, embed_backdoor
from ownmark_triggers.carriers import check_target
from ownmark_triggers.tones.config import TonesConfig


def sounding(shape: tuple[int, int, int], rows: Sequence[float]) -> Tensor:
    """Rows of pixels at these shares of the height: 0 or 1, [C, H, W]."""
    mask = torch.zeros(shape)
    for row in rows:
        mask[:, int(row * shape[1])] = 1
    return mask


class Tones(Scheme):
    """Pure tones that change labels."""

    config: TonesConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The target must be a class."""
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the carriers; the tones are the same for every key. Contents: `relabel.mapped_key`."""
        mask = sounding(task.shape, self.config.rows)
        return backdoor_key(
            "tones", self.config, task, {"pattern": self.config.value * mask, "mask": mask}, rng
        )

    def key_bits(self, task: Task) -> float:
        """None: whoever knows the scheme knows the tones."""
        return 0.0

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """See `backdoors.embed_backdoor`."""
        return embed_backdoor(host, key, task, fit, self.config)
