"""Pixel deflection (Prakash et al., CVPR 2018), as a baseline of the PST paper.

Idea: swap pixels for neighbours, which a classifier of natural images hardly notices, and smooth over the traces.
Threat model: the thief holds the weights and needs no data.
Functions: `authors_deflected` and `deflected` replace pixels, `wavelets.denoised` smooths (soft
thresholds by BayesShrink, Haar wavelets).
Symbols: images [N, C, H, W] in [0, 1]; K pixels an image.
Deviations: see the declaration in `__init__`.
Reported: CIFAR-10, accuracy / triggers: Perturbation .52 / .56, Patch .49 / .99, Content .55 / .52, OOD .53 / .15
(PST paper, Table 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ownmark_pst.front import QueryTime, uniform
from ownmark_pst.pixel_deflection.config import PixelDeflectionConfig
from ownmark_pst.pixel_deflection.wavelets import denoised
from ownmark_pst.shared import from_ycc, to_ycc

REFERENCE = 32
"""Side in pixels at which the window is stated."""


def deflected(x: Tensor, count: int, reach: int, rng: torch.Generator) -> Tensor:
    """`count` distinct random pixels of each image replaced by pixels at most `reach` away, all channels together.

    All replacements are read from the image as it was; offsets that leave the image end at its border.
    """
    images, channels, height, width = x.shape
    place = uniform(x, (images, height * width), rng).topk(count, dim=1).indices
    offset = (uniform(x, (2, images, count), rng) * (2 * reach + 1)).long() - reach
    row = (place.div(width, rounding_mode="floor") + offset[0]).clamp(0, height - 1)
    column = (place.remainder(width) + offset[1]).clamp(0, width - 1)
    flat = x.flatten(2)
    source = (row * width + column)[:, None].expand(-1, channels, -1)
    target = place[:, None].expand(-1, channels, -1)
    return flat.scatter(2, target, flat.gather(2, source)).view_as(x)


def sources(size: int, reach: int, draw: Tensor) -> Tensor:
    """Positions at most `reach` from each of 0..size-1 and within 1..size-1, where the authors' code accepts them.

    Args:
        draw: [..., size] in [0, 1). Returns: int64 [..., size].
    """
    place = torch.arange(size, device=draw.device)
    first, last = (place - reach).clamp(min=1), (place + reach).clamp(max=size - 1)
    return first + (draw * (last - first + 1)).long()


def authors_deflected(x: Tensor, count: int, reach: int, rng: torch.Generator) -> Tensor:
    """`count` draws of a pixel in every channel, with replacement; a drawn pixel takes the value of one near it.

    Of several draws of a pixel the last would count in a loop, so it is enough to know which pixels were drawn. All
    replacements are read from the image as it was.
    """
    images, channels, height, width = x.shape
    place = (uniform(x, (images, channels, count), rng) * (height * width)).long()
    drawn = torch.zeros(images, channels, height * width, dtype=torch.bool, device=x.device).scatter(
        2, place, True
    )
    row = sources(height, reach, uniform(x, (images, channels, width, height), rng)).transpose(2, 3)
    column = sources(width, reach, uniform(x, (images, channels, height, width), rng))
    moved = x.flatten(2).gather(2, (row * width + column).flatten(2))
    return torch.where(drawn, moved, x.flatten(2)).view_as(x)


FORMS: Mapping[str, Callable[[Tensor, int, int, torch.Generator], Tensor]] = {
    "authors": authors_deflected,
    "distinct": deflected,
}


class PixelDeflection(QueryTime):
    """Deflects pixels of every query and denoises it."""

    config: PixelDeflectionConfig

    def change(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """The deflection of the attack's form, then `denoised` in luma and chroma."""
        height, width = x.shape[2:]
        reach = max(1, round(self.config.window * min(height, width) / REFERENCE))
        x = FORMS[self.config.form](x, round(self.config.share * height * width), reach, rng)
        if self.config.sigma == 0:
            return x
        return from_ycc(denoised(to_ycc(x), self.config.sigma)).clamp(0, 1)
