"""Opened pictures of any kind as bytes of one kind. Needs the optional package `pillow`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ownmark.builtin.datasets.pixels import Bytes

FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What PIL raises for damaged files."""
_GREY = {"1", "L", "LA", "I", "I;16", "F"}
_MODES = {1: "L", 3: "RGB"}


def mode_for(image: Image.Image, channels: int | None) -> str:
    """`L` for grey or `RGB`; what the picture itself is if no number of channels is wanted."""
    return _MODES[channels or (1 if image.mode in _GREY else 3)]


def picture(image: Image.Image, size: int | None, mode: str) -> Bytes:
    """An opened picture as bytes [H, W] or [H, W, 3].

    Args:
        size: height and width, resized bicubically; None keeps what they are. mode: `L` or `RGB`.

    Raises:
        one of `FAULTS`: it is damaged, or its grey values are out of range.
    """
    image = _opaque(_eight_bit(image)).convert(mode)
    if size is not None:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 bits (0..65535) or floats (0..1) in 256 levels; `convert` would cut them off at 255.

    Raises:
        ValueError: values outside of these ranges.
    """
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, dtype=np.float64)
    top = 1.0 if image.mode == "F" else 65535.0
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > top:
        raise ValueError(
            f"grey values {values.min():g}..{values.max():g} in mode {image.mode}, not 0..{top:g}"
        )
    return Image.fromarray(np.round(values / top * 255).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """Transparent pictures on white; what is under full transparency is mostly black and means nothing."""
    if not ("A" in image.mode or "a" in image.mode or "transparency" in image.info):
        return image
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")
