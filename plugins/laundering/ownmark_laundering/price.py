"""The adaptive price of a mask: one small state machine for each class, all of them in vectors.

Neural Cleanse wants the smallest mask that still works. The price lambda of the mask's norm starts at 0; once the
trigger has worked for `patience` steps in a row it becomes `first`, and from then on `patience` good steps in a row
raise it and as many bad ones lower it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ownmark_laundering.config import ReconstructionConfig

STALL = 5
"""A class stops after `STALL * patience` steps without a better mask."""
GAIN = {"authors": 1.0, "one-percent": 0.99}
"""A mask counts as better for that if its norm is below this share of the best one's; by `better`."""

MOST = 1e9
"""No price rises above this; reached only by a class that every image has anyway."""


@dataclass(frozen=True)
class Prices:
    """State of every class, each field [G].

    Args:
        price: lambda. good, bad: steps in a row. raised, lowered: whether the price, once above 0, ever was.
        best: smallest norm of a mask that worked, infinite before there is one. mark: the norm that has to be
            undercut. stalled: steps since it last was.
    """

    price: Tensor
    good: Tensor
    bad: Tensor
    raised: Tensor
    lowered: Tensor
    best: Tensor
    mark: Tensor
    stalled: Tensor


def begin(classes: int, first: float, config: ReconstructionConfig, device: torch.device) -> Prices:
    """Nothing has been tried; a fixed price is `first` from the start."""
    zero = torch.zeros(classes, device=device)
    count, no = zero.long(), zero.bool()
    price = zero + (first if config.schedule == "fixed" else 0)
    return Prices(price, count, count, no, no, zero + torch.inf, zero + torch.inf, count)


def advance(
    state: Prices, accuracy: Tensor, norm: Tensor, first: float, config: ReconstructionConfig
) -> Prices:
    """The state after a step with success rates `accuracy` [G] and mask norms `norm` [G]."""
    works = accuracy >= config.success
    best = torch.where(works, torch.minimum(norm, state.best), state.best)
    gained = best < GAIN[config.better] * state.mark
    found = torch.isfinite(best)
    stalled = torch.where(gained | ~found, 0, state.stalled + 1)
    mark = torch.where(gained, best, state.mark)
    good = torch.where(works, state.good + 1, 0)
    bad = torch.where(works, 0, state.bad + 1)
    rise, fall = good >= config.patience, bad >= config.patience
    price, raised, lowered = state.price, state.raised, state.lowered
    if config.schedule == "adaptive":
        waiting = price == 0
        higher = torch.where(waiting, first, price * config.up).clamp(max=MOST)
        price = torch.where(rise, higher, torch.where(fall, price / config.down, price))
        raised, lowered = raised | (rise & ~waiting), lowered | (fall & ~waiting)
    good, bad = good.masked_fill(rise, 0), bad.masked_fill(fall, 0)
    return Prices(price, good, bad, raised, lowered, best, mark, stalled)


def finished(state: Prices, config: ReconstructionConfig) -> Tensor:
    """Classes that need no further step: bool [G]."""
    stalled = state.stalled >= STALL * config.patience
    return stalled if config.schedule == "fixed" else stalled & state.raised & state.lowered
