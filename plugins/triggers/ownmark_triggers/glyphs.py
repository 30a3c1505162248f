"""Letters as bitmaps, so that text needs no font file."""

from __future__ import annotations

import torch
from torch import Tensor

_TALL = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "M": "10001 11011 10101 10101 10001 10001 10001",
    "N": "10001 11001 10101 10101 10011 10001 10001",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "W": "10001 10001 10001 10101 10101 11011 10001",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
}
"""5 x 7 letters; those that look like a digit (D, I, O, Q, Z ...) are left out."""

_SMALL = {
    "T": "111 010 010 010 010",
    "E": "111 100 111 100 111",
    "A": "010 101 111 101 101",
    "C": "011 100 100 100 011",
    "F": "111 100 111 100 100",
    "H": "101 101 111 101 101",
    "J": "001 001 001 101 010",
    "K": "101 101 110 101 101",
    "L": "100 100 100 100 111",
    "M": "101 111 111 101 101",
    "P": "110 101 110 100 100",
    "R": "110 101 110 110 101",
    "U": "101 101 101 101 111",
    "V": "101 101 101 101 010",
    "X": "101 101 010 101 101",
    "Y": "101 101 010 010 010",
}
"""3 x 5 letters for the smallest images."""

LETTERS = "".join(_TALL)
SMALL_LETTERS = "".join(_SMALL)


def _bitmap(rows: str) -> Tensor:
    return torch.tensor([[float(dot) for dot in row] for row in rows.split()])


def letter(name: str) -> Tensor:
    """A letter of `LETTERS`: [7, 5], 0 and 1."""
    return _bitmap(_TALL[name.upper()])


def small_letter(name: str) -> Tensor:
    """A letter of `SMALL_LETTERS`: [5, 3], 0 and 1."""
    return _bitmap(_SMALL[name.upper()])


def _line(bitmaps: list[Tensor], gap: int) -> Tensor:
    space = torch.zeros(bitmaps[0].shape[0], gap)
    parts = [part for bitmap in bitmaps for part in (bitmap, space)]
    return torch.cat(parts[:-1], dim=1)


def word_mark() -> Tensor:
    """The word TEST, [7, 26]; 55 dots, as in the APP paper's bitmap."""
    return _line([letter(name) for name in "TEST"], gap=2)


def small_mark() -> Tensor:
    """TE in small letters, [5, 7]."""
    return _line([_bitmap(_SMALL[name]) for name in "TE"], gap=1)
