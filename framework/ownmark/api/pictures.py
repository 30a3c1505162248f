"""Pixels out of arrays and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ownmark.errors import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".ppm", ".tif", ".tiff"})

SPLITS = frozenset({"train", "test", "val", "valid", "validation"})


def pixels_of(image: Any, name: str) -> Tensor:
    """A tensor of images or of one; of pictures and arrays with channels last, channels first."""
    if isinstance(image, Tensor):
        return image.detach()
    if hasattr(image, "convert"):  # a PIL picture
        return _picture(image)
    try:
        array = np.asarray(image)
        tensor = torch.as_tensor(array.copy() if not array.flags.writeable else array)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: {type(image).__name__} are no images ({error})") from error
    channels_last = tensor.ndim >= 3 and tensor.shape[-1] in (1, 3) and tensor.shape[-3] not in (1, 3)
    return tensor.movedim(-1, -3) if channels_last else tensor


def _picture(image: Any) -> Tensor:
    mode = "L" if image.mode in ("1", "L", "I;16") else "RGB"
    array = np.array(image.convert(mode))
    return torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1)


def classes_in(folder: Path) -> list[str]:
    """Names of the folders in a folder of pictures, in the order of their labels; hidden ones do not count.

    Raises:
        DataError: no such folder, or its folders are no classes.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    names = sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    if len(names) < 2:
        raise DataError(f"{folder}: expected a folder with one folder of pictures a class")
    if SPLITS.issuperset(names):
        raise DataError(
            f"{folder}: holds {' and '.join(names)}; give one of them as data and another one as test"
        )
    return names


def folder_of_pictures(folder: Path) -> tuple[Tensor, Tensor]:
    """Pictures of a folder with one folder a class; labels follow the folders' names in order.

    Raises:
        DataError: no such folder, fewer than two classes, pictures that are damaged or of several sizes, or Pillow is
            not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataError("pictures are read with Pillow: pip install 'ownmark[images]'") from None
    images, labels = [], []
    for label, one in enumerate(classes_in(folder)):
        for path in sorted(path for path in (folder / one).rglob("*") if path.suffix.lower() in SUFFIXES):
            try:
                with Image.open(path) as picture:
                    images.append(_picture(picture))
            except (OSError, ValueError, SyntaxError) as error:
                raise DataError(f"{path}: cannot be read as a picture ({error})") from error
            labels.append(label)
    if not images:
        raise DataError(f"{folder}: no pictures in its folders")
    sizes = {tuple(x.shape[1:]) for x in images}
    if len(sizes) > 1:
        raise DataError(f"{folder}: pictures of {len(sizes)} sizes; resize them to one")
    most = max(len(x) for x in images)
    return torch.stack([x.expand(most, -1, -1) for x in images]), torch.tensor(labels)
