"""Picture exhibits as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor


def write_picture(path: Path, images: Tensor, columns: int = 10) -> None:
    """A grid of images as one PNG file; written once, since its name carries the stage's digest.

    Args:
        images: [N, C, H, W] in [0, 1], one or three channels.
    """
    if path.exists():
        return
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    grid = (_grid(images.detach().cpu().clamp(0, 1).numpy(), columns) * 255).round().astype(np.uint8)
    scale = max(1, 48 // images.shape[-1])
    picture = Image.fromarray(grid.squeeze()).resize((grid.shape[1] * scale, grid.shape[0] * scale), 0)
    scratch = path.with_suffix(".tmp")
    picture.save(scratch, format="PNG")
    scratch.replace(path)


def _grid(images: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Images side by side, white in between. images: [N, C, H, W]; returns [rows, width, C]."""
    count, channels, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    page = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), np.float32)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        page[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return page
