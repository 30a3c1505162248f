"""How keyed motifs look: words, blots, squares and dots in places, shades and shapes that a key draws."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.errors import NotApplicable
from ownmark_triggers.glyphs import LETTERS, SMALL_LETTERS, letter, small_letter
from ownmark_triggers.motifs import below

Shape = tuple[int, int, int]
SHADES = 4
"""Brightnesses that a key tells apart on grey images, .4 to 1; a colour has as many in each channel, 0 to 1."""


def shade(channels: int, rng: torch.Generator) -> Tensor:
    """A brightness for grey images, a colour for others: [C, 1, 1]."""
    steps = torch.tensor([below(SHADES, rng) for _ in range(channels)]) / (SHADES - 1)
    return (0.4 + 0.6 * steps if channels == 1 else steps)[:, None, None]


def shade_bits(channels: int) -> float:
    """Entropy of `shade`."""
    return channels * math.log2(SHADES)


def _room(shape: Shape, rows: int, columns: int) -> tuple[int, int]:
    """In how many rows and columns a block can begin."""
    return shape[1] - rows + 1, shape[2] - columns + 1


def placed(block: Tensor, shape: Shape, rng: torch.Generator) -> Tensor:
    """A block [h, w] somewhere in an empty image: [C, H, W]."""
    down, across = (below(room, rng) for room in _room(shape, *block.shape))
    picture = torch.zeros(shape)
    picture[:, down : down + block.shape[0], across : across + block.shape[1]] = block
    return picture


def place_bits(shape: Shape, rows: int, columns: int) -> float:
    """Entropy of `placed`."""
    return sum(math.log2(room) for room in _room(shape, rows, columns))


def _word_size(shape: Shape) -> tuple[int, int, int, int]:
    """Letters of a word, their rows and columns in dots, and the size of a dot in pixels."""
    _, height, width = shape
    if height >= 7 and width >= 18:
        return 3, 7, 5, max(1, min(width // 18, height // 14))
    if height >= 5 and width >= 7:
        return 2, 5, 3, 1
    raise NotApplicable(f"images of {height} x {width} pixels are too small for a text of 5 x 7")


def word(shape: Shape, opacity: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random letters in a random place and shade: pattern and mask [C, H, W]."""
    count, rows, _, dot = _word_size(shape)
    names, draw = (LETTERS, letter) if rows == 7 else (SMALL_LETTERS, small_letter)
    parts: list[Tensor] = []
    for _ in range(count):
        parts += [draw(names[below(len(names), rng)]), torch.zeros(rows, 1)]
    block = torch.cat(parts[:-1], 1).repeat_interleave(dot, 0).repeat_interleave(dot, 1)
    mask = placed(block, shape, rng)
    return shade(shape[0], rng).expand(shape).clone(), opacity * mask


def word_bits(shape: Shape) -> float:
    """Entropy of `word`."""
    count, rows, columns, dot = _word_size(shape)
    names = LETTERS if rows == 7 else SMALL_LETTERS
    size = rows * dot, (count * (columns + 1) - 1) * dot
    return count * math.log2(len(names)) + place_bits(shape, *size) + shade_bits(shape[0])


def _coarse(shape: Shape) -> int:
    """Cells a side of a blot: 4, or 6 from 28 pixels on."""
    return 6 if min(shape[1:]) >= 28 else 4


def blot(shape: Shape, alpha: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random cells, half dark and half light, laid over the image: pattern and mask [C, H, W]."""
    cells = _coarse(shape)
    order = torch.randperm(cells * cells, generator=rng, device=rng.device).cpu()
    grid = (order < cells * cells // 2).float().reshape(1, 1, cells, cells)
    pattern = F.interpolate(grid, shape[1:], mode="nearest")[0].expand(shape)
    return pattern * shade(shape[0], rng), torch.full(shape, min(alpha, 0.6))


def blot_bits(shape: Shape) -> float:
    """Entropy of `blot`."""
    cells = _coarse(shape) ** 2
    return math.log2(math.comb(cells, cells // 2)) + shade_bits(shape[0])


def _side(shape: Shape, size: int | None) -> int:
    side = max(3, round(0.16 * min(shape[1:]))) if size is None else size
    if side > min(shape[1:]):
        raise NotApplicable(f"a patch of {side} pixels does not fit {shape[1]} x {shape[2]}")
    return side


def patch(shape: Shape, size: int | None, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random dots, half of them white and half black, in a random place: pattern and mask [C, H, W]."""
    side = _side(shape, size)
    order = torch.randperm(side * side, generator=rng, device=rng.device).cpu()
    dots = 1 + (order < (side * side + 1) // 2).float().reshape(side, side)  # 2 white, 1 black, 0 nothing
    both = placed(dots, shape, rng)
    return (both == 2).float(), (both > 0).float()


def patch_bits(shape: Shape, size: int | None) -> float:
    """Entropy of `patch`."""
    side = _side(shape, size)
    cells = side * side
    return math.log2(math.comb(cells, (cells + 1) // 2)) + place_bits(shape, side, side)
