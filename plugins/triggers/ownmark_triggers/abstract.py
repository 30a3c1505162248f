"""Procedural abstract pictures of the family `FAMILY`: plane waves, Voronoi cells, plasma.

No data set and no attack of ownmark draws such pictures. Whoever writes an attack that makes its own transfer images
must take another family, or removal of marks that rest on this one is overstated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.errors import NotApplicable

FAMILY = "waves-voronoi-plasma"
"""Name of the family, as keys keep it."""
APART = 0.15
"""Least root mean square difference of two pictures."""
_WAVES, _SITES, _ROUNDS = 8, 20, 20


def _random(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=rng, device=rng.device)


def _between(low: int, high: int, count: int, rng: torch.Generator) -> Tensor:
    """Uniform integers in low .. high: [count]."""
    return torch.randint(low, high + 1, (count,), generator=rng, device=rng.device)


def _coordinates(height: int, width: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Down and across in (0, 1): [H, 1] and [1, W]."""
    down = (torch.arange(height, device=rng.device) + 0.5) / height
    across = (torch.arange(width, device=rng.device) + 0.5) / width
    return down[:, None], across[None]


def waves(count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Means of 3 to 8 plane waves a channel, up to a quarter of the side in frequency: [count, C, H, W] in [0, 1]."""
    channels, height, width = shape
    down, across = _coordinates(height, width, rng)
    used = _between(3, _WAVES, count, rng)
    top = max(0.5, min(height, width) / 4)
    total = torch.zeros(count, *shape, device=rng.device)
    for wave in range(_WAVES):
        size, sign = (
            0.5 + (top - 0.5) * _random(rng, 2, count, channels, 1, 1),
            _random(rng, count, channels, 1, 1),
        )
        turn = torch.where(sign < 0.5, -size[1], size[1])
        phase = size[0] * down + turn * across + _random(rng, count, channels, 1, 1)
        total += (wave < used)[:, None, None, None] * (0.5 + 0.5 * torch.sin(2 * torch.pi * phase))
    return total / used[:, None, None, None]


def voronoi(count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """6 to 20 flat cells of random colours (4 to 6 below 16 pixels): [count, C, H, W] in [0, 1]."""
    channels, height, width = shape
    down, across = _coordinates(height, width, rng)
    fine = min(height, width) >= 16
    used = _between(6 if fine else 4, _SITES if fine else 6, count, rng)
    colours = _random(rng, count, _SITES, channels)
    nearest = torch.full((count, height, width), torch.inf, device=rng.device)
    picture = torch.zeros(count, *shape, device=rng.device)
    for site in range(_SITES):
        at = _random(rng, 2, count, 1, 1)
        distance = (down - at[0]).square() + (across - at[1]).square()
        closer = (distance < nearest) & (site < used)[:, None, None]
        nearest = torch.where(closer, distance, nearest)
        picture = torch.where(closer[:, None], colours[:, site, :, None, None], picture)
    return picture


def plasma(count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Random grids of 2, 4, 8, 16 cells, weights 1, 1/2, 1/4, 1/8, through a random colour map: [count, C, H, W]."""
    channels, height, width = shape
    field = torch.zeros(count, 1, height, width, device=rng.device)
    for power in range(1, 5):
        if power == 1 or 2**power <= min(height, width) // 2:
            grid = _random(rng, count, 1, 2**power, 2**power)
            field += F.interpolate(grid, (height, width), mode="bilinear", align_corners=True) / 2 ** (
                power - 1
            )
    low, high = field.amin((2, 3), keepdim=True), field.amax((2, 3), keepdim=True)
    level = (field - low) / (high - low).clamp(min=1e-6)
    colours = _random(rng, 3, count, channels, 1, 1)
    dark, light = (1 - 2 * level).clamp(min=0), (2 * level - 1).clamp(min=0)
    return dark * colours[0] + (1 - dark - light) * colours[1] + light * colours[2]


def mixed(count: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Each picture from one of the three generators, or the mean of two: [count, C, H, W] in [0, 1]."""
    kinds = torch.stack([make(count, shape, rng) for make in (waves, voronoi, plasma)])
    first, second = _between(0, 2, count, rng), _between(0, 2, count, rng)
    row = torch.arange(count, device=rng.device)
    return (kinds[first, row] + kinds[second, row]) / 2


def toned(pictures: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """Pictures [N, C, H, W] with mean and sd [C] in each channel, cut off at 0 and 1."""
    own_mean, own_sd = pictures.mean((2, 3), keepdim=True), pictures.std((2, 3), keepdim=True)
    mean, sd = (value.to(pictures)[None, :, None, None] for value in (mean, sd))
    return ((pictures - own_mean) / own_sd.clamp(min=1e-6) * sd + mean).clamp(0, 1)


def _apart(kept: list[Tensor], picture: Tensor, least: float) -> bool:
    return not kept or bool(((torch.stack(kept) - picture).square().mean((1, 2, 3)).sqrt() >= least).all())


def abstract_pictures(
    count: int,
    shape: tuple[int, int, int],
    rng: torch.Generator,
    *,
    mean: Tensor,
    sd: Tensor,
    apart: float = APART,
) -> Tensor:
    """Pictures that differ from each other by at least `apart` (root mean square): [count, C, H, W] in [0, 1].

    Args:
        mean, sd: of each channel [C], so that pictures are not told from the task's images by their brightness.
            An sd below .2 is taken as .2, since flat pictures cannot differ.

    Raises:
        NotApplicable: so many cannot differ so much.
    """
    kept: list[Tensor] = []
    for _ in range(_ROUNDS):
        for picture in toned(mixed(count, shape, rng), mean, sd.clamp(min=0.2)):
            if _apart(kept, picture, apart):
                kept.append(picture)
            if len(kept) == count:
                return torch.stack(kept)
    raise NotApplicable(
        f"only {len(kept)} of {count} abstract pictures of shape {tuple(shape)} differ enough; lower `keys`"
    )
