"""Coloured shapes with captions out of templates: no file, no tokenizer, a second to learn.

A picture shows one shape of one colour in one half; each of its texts says so in another way.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ownmark.config import Count, configuration
from ownmark.contracts import Dataset, Images, Samples
from ownmark_generative.captions.words import END, PADDING

COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 0.9, 0.1),
    "blue": (0.2, 0.2, 1.0),
    "white": (1.0, 1.0, 1.0),
}
SHAPES = ("square", "bar", "cross", "frame")
PLACES = ("top", "bottom")
TEMPLATES = (
    "a {colour} {shape} at the {place}", "the {shape} at the {place} is {colour}", "one {colour} {shape} {place}",
)  # fmt: skip
_SAID = sorted({*COLOURS, *SHAPES, *PLACES, *["a", "at", "the", "is", "one"]})
WORDS = ("", "", "", "[UNK]", *_SAID)
"""What token ids mean."""


@configuration
class ShapesConfig:
    """Parameters of `captioned_shapes`."""

    train: Count = 480
    """Pictures to train on."""
    test: Count = 120
    """Pictures to test on."""
    size: Count = 16
    """Height and width; at least 8."""


def drawn(shape: str, size: int) -> Tensor:
    """A shape on a square of `size`, float32 of 0 and 1."""
    found, thick = torch.zeros(size, size), max(1, size // 4)
    inner = slice(thick, size - thick)
    if shape == "square":
        found[:] = 1
    elif shape == "bar":
        found[:, inner] = 1
    elif shape == "cross":
        found[:, inner] = found[inner, :] = 1
    else:
        found[:] = 1
        found[inner, inner] = 0
    return found


def told(colour: str, shape: str, place: str) -> Tensor:
    """Token ids int64 [templates, 8] of the texts."""
    ids = torch.full((len(TEMPLATES), 8), PADDING, dtype=torch.int64)
    for row, template in zip(ids, TEMPLATES, strict=True):
        words = template.format(colour=colour, shape=shape, place=place).split()
        row[: len(words) + 1] = torch.tensor([*map(WORDS.index, words), END])
    return ids


class CaptionedShapes(Dataset):
    """Every colour, shape and place, on noise, a little to the left or right."""

    config: ShapesConfig

    def load(self) -> Images:
        """Pictures [N, 3, size, size] with three texts each."""
        parts = (self._part(self.config.train, 0), self._part(self.config.test, 1))
        return Images(*parts, classes=len(WORDS), words=WORDS)

    def _part(self, count: int, seed: int) -> Samples:
        rng, size = torch.Generator().manual_seed(seed), self.config.size
        x, half = 0.3 * torch.rand((count, 3, size, size), generator=rng), size // 2
        kinds = [(c, s, p) for c in COLOURS for s in SHAPES for p in PLACES]
        order = torch.randperm(count, generator=rng) % len(kinds)
        shifts = torch.randint(size - half + 1, (count,), generator=rng)
        texts = []
        for picture, kind, left in zip(x, order.tolist(), shifts.tolist(), strict=True):
            colour, shape, place = kinds[kind]
            top = 0 if place == "top" else size - half
            mask = drawn(shape, half)
            spot = picture[:, top : top + half, left : left + half]
            spot.copy_(spot * (1 - mask) + mask * torch.tensor(COLOURS[colour])[:, None, None])
            texts.append(told(colour, shape, place))
        return Samples(x, torch.stack(texts))
