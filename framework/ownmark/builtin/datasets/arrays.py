"""The four arrays of an image-classification set, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ownmark.builtin.datasets.archive import Archive
from ownmark.builtin.datasets.config import LimitedConfig
from ownmark.builtin.datasets.pixels import Bytes, Labels, decode, samples
from ownmark.contracts.dataset import Images

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Arrays:
    """Both splits by name: images uint8 [N, H, W] or [N, H, W, C], labels int64 [N] in 0..classes - 1."""

    x: Mapping[str, Bytes]
    y: Mapping[str, Labels]
    classes: int

    def images(self, config: LimitedConfig) -> Images:
        """As the core wants them, cut to the limits in `config`."""
        limits = {"train": config.limit_train, "test": config.limit_test}
        train, test = (samples(self.x[split], self.y[split], limits[split]) for split in SPLITS)
        return Images(train=train, test=test, classes=self.classes)


def read_arrays(archive: Archive, classes: int | None = None) -> Arrays:
    """Read and check everything; `classes` as in `read_labels`.

    Raises:
        DataError: wrong type or shape, labels out of range, lengths or image sizes that differ.
    """
    y, classes = read_labels(archive, classes)
    x = {split: read_images(archive, split, len(y[split])) for split in SPLITS}
    if x["train"].shape[1:] != x["test"].shape[1:]:
        expected = f"images of shape {x['train'].shape[1:]} as in training"
        raise archive.refuse(_image_field(archive, "test"), expected, x["test"].shape[1:])
    if int(x["train"].max()) <= 1:
        found = f"a brightest pixel of {x['train'].max()}: divided by 255 before?"
        raise archive.refuse(_image_field(archive, "train"), "pixels 0..255", found)
    return Arrays(x, y, classes)


def read_labels(archive: Archive, classes: int | None = None) -> tuple[dict[str, Labels], int]:
    """Labels of both splits and the number of classes.

    Args:
        classes: labels must lie below; None takes the length of the field `classes`, or what training shows.

    Raises:
        DataError: no integers, wrong shape, none at all, or out of range.
    """
    y = {split: _integers(archive, f"y_{split}") for split in SPLITS}
    if classes is None and "classes" in archive:
        classes = len(archive.read("classes"))
    elif classes is None:
        classes = int(y["train"].max()) + 1
        if empty := empty_classes(y["train"], classes):
            raise archive.refuse(
                "y_train", "labels 0, 1, 2, ... without gaps (or the number of `classes`)", empty
            )
    for split, labels in y.items():
        if labels.min() < 0 or labels.max() >= classes:
            found = f"{labels.min()}..{labels.max()}"
            raise archive.refuse(f"y_{split}", f"labels in 0..{classes - 1}", found)
    if classes < 2:
        raise archive.refuse("y_train", "at least 2 classes", classes)
    return y, classes


def empty_classes(labels: Labels, classes: int) -> str:
    """Which of the classes have no training image, in words; empty if all have."""
    present = np.unique(labels[labels >= 0])
    if len(present) == classes:
        return ""
    first = next(label for label in range(classes) if label >= len(present) or present[label] != label)
    return f"labels {present.min()}..{present.max()}, no image of class {first} ({classes - len(present)} such classes)"


def _integers(archive: Archive, field: str) -> Labels:
    labels = archive.read(field)
    if np.issubdtype(labels.dtype, np.character):
        found = f"{labels.dtype}; number them, `names, y = np.unique(y, return_inverse=True)`, the same for both splits"
        raise archive.refuse(field, "integers", found)
    if not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_):
        raise archive.refuse(field, "integers", labels.dtype)
    if labels.ndim != 1 or len(labels) == 0:
        raise archive.refuse(field, "shape [N] with N >= 1", _shape(labels))
    return labels.astype(np.int64)


def read_images(archive: Archive, split: str, n: int) -> Bytes:
    """Images uint8 [n, H, W] or [n, H, W, C] of one split, from its field `x_` or, coded, `r_`.

    Raises:
        DataError: another type, shape or number.
    """
    field = _image_field(archive, split)
    stored, coded = archive.read(field), field.startswith("r_")
    if stored.dtype != np.uint8:
        raise archive.refuse(field, "uint8", stored.dtype)
    fits = stored.ndim == 4 and stored.shape[1] == 3 if coded else _is_image_stack(stored)
    if not fits or 0 in stored.shape:
        expected = "shape [N, 3, H, W]" if coded else "shape [N, H, W], [N, H, W, 1] or [N, H, W, 3]"
        raise archive.refuse(field, expected, _shape(stored))
    if len(stored) != n:
        raise archive.refuse(field, f"{n} images, one for each label in y_{split}", len(stored))
    return decode(stored) if coded else stored


def _is_image_stack(stored: npt.NDArray[Any]) -> bool:
    return stored.ndim == 3 or (stored.ndim == 4 and stored.shape[3] in (1, 3))


def _image_field(archive: Archive, split: str) -> str:
    return f"r_{split}" if f"x_{split}" not in archive and f"r_{split}" in archive else f"x_{split}"


def _shape(array: npt.NDArray[Any]) -> str:
    return f"shape [{', '.join(map(str, array.shape))}]"
