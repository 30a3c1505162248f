"""Picture exhibits as PNG files."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ownmark.runner.places import writing
from ownmark.scratch import scratch_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_NO_VERSION: dict[str, Any] = {"Software": None}  # the same picture, the same bytes


def write_picture(folder: Path, name: str, images: Tensor) -> Path:
    """A grid of images as one PNG file in `folder`, under its name and a hash of its bytes: once, however often shown.

    Args:
        images: [N, C, H, W] in [0, 1], one or three channels.

    Raises:
        ValueError: they are no picture. Unwritable: the disk is full, or the like.
    """
    picture = image_grid(images.detach().cpu().float().numpy())
    path = folder / f"{_plain(name)}-{hashlib.sha256(picture).hexdigest()[:12]}.png"
    if path.exists():
        return path
    scratch = scratch_of(path)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            scratch.write_bytes(picture)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    return path


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name)[:100].strip("-.") or "picture"


def image_grid(array: ArrayLike, columns: int = 8, smallest: int = 64) -> bytes:
    """A PNG of images [N, C, H, W] in [0, 1], C 1 or 3, row by row with `columns` in a row.

    Values outside [0, 1] are clipped, nan is black. Images narrower than `smallest` pixels are enlarged by a whole
    factor, so that every pixel stays a square.

    Raises:
        ValueError: another shape, no image, or no column.
    """
    import numpy as np
    from matplotlib.image import imsave

    images = np.asarray(array, dtype=np.float64)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape or columns < 1:
        raise ValueError(
            f"image_grid needs [N, 1 or 3, H, W] and columns >= 1, got {images.shape} and {columns}"
        )
    pixels = np.round(np.clip(np.nan_to_num(images), 0, 1) * 255).astype(np.uint8)
    pixels = np.broadcast_to(pixels, (len(pixels), 3, *pixels.shape[2:])).transpose(0, 2, 3, 1)
    factor = -(-smallest // pixels.shape[2])
    pixels = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    columns = min(columns, len(pixels))
    (height, width), gap = pixels.shape[1:3], 4
    rows = -(-len(pixels) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, dtype=np.uint8)
    for at, image in enumerate(pixels):
        top, left = (gap + (at // columns) * (height + gap), gap + (at % columns) * (width + gap))
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    imsave(buffer, sheet, format="png", origin="upper", metadata=_NO_VERSION)
    return buffer.getvalue()
