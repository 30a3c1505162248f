"""Random views of images, a whole batch at a time, on the device the batch is on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts.fit import Recipe
from ownmark.contracts.samples import Batch, Transform


def _integers(high: int, shape: tuple[int, ...], rng: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(high, shape, generator=rng, device=rng.device).to(device)


def crop(x: Tensor, pad: int, rng: torch.Generator) -> Tensor:
    """Zero-pad each image by `pad` pixels and cut a window of the former size at a place of its own.

    Args:
        x: [B, C, H, W]. Returns: the same shape.
    """
    if pad == 0:
        return x
    count, _, height, width = x.shape
    top, left = _integers(2 * pad + 1, (2, count, 1), rng, x.device)
    rows = (top + torch.arange(height, device=x.device))[:, :, None]
    columns = (left + torch.arange(width, device=x.device))[:, None, :]
    image = torch.arange(count, device=x.device)[:, None, None]
    padded = F.pad(x, (pad, pad, pad, pad))
    return padded.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)


def mirror(x: Tensor, rng: torch.Generator) -> Tensor:
    """Flip half of the images left to right. x: [B, C, H, W]."""
    flip = _integers(2, (len(x), 1, 1, 1), rng, x.device).bool()
    return torch.where(flip, x.flip(3), x)


def augmentation(recipe: Recipe) -> tuple[Transform, ...]:
    """The batch transforms that a recipe's `augment` names."""

    def crops(batch: Batch, rng: torch.Generator) -> Batch:
        return batch.with_images(crop(batch.x, max(1, batch.x.shape[-1] // 8), rng))

    def mirrors(batch: Batch, rng: torch.Generator) -> Batch:
        return batch.with_images(mirror(batch.x, rng))

    return {"none": (), "crop": (crops,), "crop-flip": (crops, mirrors)}[recipe.augment]
