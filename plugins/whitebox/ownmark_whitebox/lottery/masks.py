"""Masks of a sparse network: pruning, the best place for a code, writing it.

A mask is bool [out, in, kh, kw], True where a weight lives. Its plane, [out, in], says which kernels hold any.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Masks = Mapping[str, Tensor]
Place = tuple[int, int]


def plane(mask: Tensor) -> Tensor:
    """Kernels that are not empty: [out, in, kh, kw] -> bool [out, in]."""
    return mask.bool().flatten(2).any(2)


def largest(weight: Tensor, count: int) -> Tensor:
    """The `count` kernels of greatest magnitude: [out, in, kh, kw] -> bool [out, in]."""
    sizes = weight.float().abs().flatten(2).sum(2)
    chosen = sizes.flatten().argsort(descending=True, stable=True)[:count]
    return (
        torch.zeros(sizes.numel(), dtype=torch.bool, device=sizes.device)
        .index_fill(0, chosen, True)
        .view_as(sizes)
    )


def prune(weights: Mapping[str, Tensor], masks: Masks, rate: float) -> dict[str, Tensor]:
    """Remove the share `rate` of the living weights, the smallest of all layers together."""
    alive = torch.cat([weights[name][mask].abs() for name, mask in masks.items()])
    count = int(rate * len(alive))
    if count == 0:
        return dict(masks)
    limit = alive.kthvalue(count).values
    return {name: mask & (weights[name].abs() > limit) for name, mask in masks.items()}


def similarity(kernels: Tensor, code: Tensor) -> Tensor:
    """Share of equal modules at every offset: [out, in], [S, S] -> [out - S + 1, in - S + 1]."""
    ours, theirs = kernels.float()[None, None], code.to(kernels.device).float()[None, None]
    equal = F.conv2d(ours, theirs) + F.conv2d(1 - ours, 1 - theirs)
    return equal[0, 0] / code.numel()


def best_place(masks: Masks, code: Tensor) -> tuple[str, Place]:
    """The layer and offset that resemble the code most, the first of equals."""
    best, found = -1.0, ("", (0, 0))
    for name, mask in masks.items():
        scores = similarity(plane(mask), code)
        top = int(scores.argmax())
        if scores.flatten()[top] > best:
            best, found = float(scores.flatten()[top]), (name, divmod(top, scores.shape[1]))
    return found


def window(mask: Tensor, code: Tensor, place: Place) -> Tensor:
    """The view of a mask (or of its plane) that the code covers: [S, S, ...]."""
    (row, column), size = place, len(code)
    return mask[row : row + size, column : column + size]


def write(mask: Tensor, code: Tensor, place: Place, weight: Tensor, rng: torch.Generator) -> Tensor:
    """The mask with the code in it and, as far as that goes, as many living weights as before.

    An empty white kernel gets one weight at a random position, a black kernel loses all. Weights lost come back at
    random inside white kernels that had some; a surplus is taken from the smallest outside of the code.

    Args:
        mask: [out, in, kh, kw]. weight: of the same shape.
    """
    before, white = window(mask, code, place), code.bool().to(mask.device)
    occupied, new = plane(before), mask.clone()
    inside = window(new, code, place)
    inside[~white] = False
    empty = white & ~occupied
    cells = inside[empty].flatten(1)
    at = torch.randint(cells.shape[1], (len(cells), 1), generator=rng).to(mask.device)
    inside[empty] = cells.scatter(1, at, True).view(-1, *mask.shape[2:])
    lost = int(mask.sum()) - int(new.sum())
    if lost > 0:
        free = ~inside & (white & occupied)[..., None, None]
        chosen = free.nonzero()
        chosen = chosen[torch.randperm(len(chosen), generator=rng)[:lost].to(mask.device)]
        inside[tuple(chosen.T)] = True
    elif lost < 0:
        _drop_smallest(new, weight, code, place, -lost)
    return new


def _drop_smallest(mask: Tensor, weight: Tensor, code: Tensor, place: Place, count: int) -> None:
    """Remove the smallest living weights outside of the code, in place."""
    outside = mask.clone()
    window(outside, code, place)[:] = False
    count = min(count, int(outside.sum()))
    sizes = torch.where(outside, weight.abs(), torch.inf).flatten()
    smallest = sizes.argsort(stable=True)[:count]
    mask[tuple(torch.stack(torch.unravel_index(smallest, mask.shape)))] = False
