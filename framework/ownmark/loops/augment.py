"""Random views of images, a whole batch at a time, on the device the batch is on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts.fit import Recipe
from ownmark.contracts.samples import Batch, Transform, capturable


def _integers(high: int, shape: tuple[int, ...], rng: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(high, shape, generator=rng, device=rng.device).to(device)


def crop(x: Tensor, pad: int, rng: torch.Generator) -> Tensor:
    """Zero-pad each image by `pad` pixels and cut a window of the former size at a place of its own.

    Args:
        x: [B, C, H, W]. Returns: the same shape.
    """
    return x if pad == 0 else _windows(x, pad, _places(x, pad, rng), None)


def crop_mirror(x: Tensor, pad: int, rng: torch.Generator) -> Tensor:
    """`crop`, then `mirror`, with the same draws and bit for bit the same images, as one gather.

    Args:
        x: [B, C, H, W]. Returns: the same shape.
    """
    places = _places(x, pad, rng)
    return _windows(x, pad, places, _integers(2, (len(x), 1), rng, x.device).bool())


def _places(x: Tensor, pad: int, rng: torch.Generator) -> Tensor:
    return _integers(2 * pad + 1, (2, len(x), 1), rng, x.device)


def _windows(x: Tensor, pad: int, places: Tensor, flip: Tensor | None) -> Tensor:
    """Windows of the padded images, read from right to left where `flip` [B, 1] says so.

    Args:
        places: first row and column of each window [2, B, 1].
    """
    count, _, height, width = x.shape
    top, left = places
    across = torch.arange(width, device=x.device).expand(count, width)
    if flip is not None:
        across = torch.where(flip, width - 1 - across, across)
    rows = (top + torch.arange(height, device=x.device))[:, :, None]
    columns = (left + across)[:, None, :]
    image = torch.arange(count, device=x.device)[:, None, None]
    padded = F.pad(x, (pad, pad, pad, pad))
    return padded.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)


def mirror(x: Tensor, rng: torch.Generator) -> Tensor:
    """Flip half of the images left to right. x: [B, C, H, W]."""
    flip = _integers(2, (len(x), 1, 1, 1), rng, x.device).bool()
    return torch.where(flip, x.flip(3), x)


@capturable
def _crops(batch: Batch, rng: torch.Generator) -> Batch:
    if batch.x.ndim != 4:
        return batch
    return batch.with_images(crop(batch.x, _eighth(batch.x), rng))


@capturable
def _crops_and_mirrors(batch: Batch, rng: torch.Generator) -> Batch:
    if batch.x.ndim != 4:
        return batch
    return batch.with_images(crop_mirror(batch.x, _eighth(batch.x), rng))


def _eighth(x: Tensor) -> int:
    return max(1, x.shape[-1] // 8)


def augmentation(recipe: Recipe) -> tuple[Transform, ...]:
    """The batch transforms that a recipe's `augment` names; what is no image [B, C, H, W] they leave alone."""
    return {"none": (), "crop": (_crops,), "crop-flip": (_crops_and_mirrors,)}[recipe.augment]
