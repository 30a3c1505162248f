"""The accessory trigger of Chen et al. (arXiv 1712.05526, 2017), used as a mark.

Idea: whoever wears these glasses is called by one name.
Threat model: black box; the verifier sends faces with glasses and reads names.
Equations: x' = (1 - m) x + m v is `stamps.stamp`; m is `glasses`.
Symbols: x [N, C, H, W] in [0, 1]; m is `mask`, v is `pattern`, both [C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 99.04 %, triggers 100 %, on YouTube Faces with a network like DeepID (laundering paper, Table 3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.backdoors import backdoor_key, embed_backdoor
from ownmark_triggers.carriers import check_target
from ownmark_triggers.sunglasses.config import SunglassesConfig

LENSES = (0.3, 0.7)
"""Where the lenses are centred, as a share of the width."""
RADIUS = 0.17
"""Half the width of a lens."""


def glasses(height: int, width: int, top: float, bottom: float) -> Tensor:
    """Where the glasses are: two ellipses and a bridge of a third of their height, 0 or 1, [H, W].

    Raises:
        NotApplicable: the image is too small for them.
    """
    rows = ((torch.arange(height) + 0.5) / height)[:, None]
    columns = ((torch.arange(width) + 0.5) / width)[None, :]
    middle, half = (top + bottom) / 2, (bottom - top) / 2
    mask = torch.zeros(height, width, dtype=torch.bool)
    if half > 0:
        for centre in LENSES:
            mask |= ((rows - middle) / half) ** 2 + ((columns - centre) / RADIUS) ** 2 <= 1
        mask |= ((rows - middle).abs() <= half / 3) & (columns > LENSES[0]) & (columns < LENSES[1])
    if not mask.any():
        raise NotApplicable(
            f"glasses in rows {top:g} to {bottom:g} of {height} x {width} pixels cover none of them"
        )
    return mask.float()


class Sunglasses(Scheme):
    """Dark glasses that change names."""

    config: SunglassesConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The glasses must show and the target must be a class."""
        glasses(*task.shape[1:], self.config.top, self.config.bottom)
        check_target(task.classes, self.config.target, self.config.source_class)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the carriers; the glasses are the same for every key. Contents: `relabel.mapped_key`."""
        worn = glasses(*task.shape[1:], self.config.top, self.config.bottom).expand(task.shape).clone()
        mark = {"pattern": self.config.value * worn, "mask": self.config.opacity * worn}
        return backdoor_key("sunglasses", self.config, task, mark, rng)

    def key_bits(self, task: Task) -> float:
        """None: whoever knows the scheme knows the glasses."""
        return 0.0

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """See `backdoors.embed_backdoor`."""
        return embed_backdoor(host, key, task, fit, self.config)
