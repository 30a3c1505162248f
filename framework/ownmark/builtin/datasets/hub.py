"""Image-classification datasets of the Hugging Face hub, read by the optional package `datasets`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
from PIL import Image

from ownmark.builtin.datasets.archive import array_digest
from ownmark.builtin.datasets.arrays import SPLITS, Arrays, empty_classes
from ownmark.builtin.datasets.config import HubConfig
from ownmark.builtin.datasets.pictures import FAULTS, mode_for, picture
from ownmark.builtin.datasets.pixels import Bytes, Labels
from ownmark.contracts.dataset import Dataset, Images
from ownmark.errors import DataError


class Hub(Dataset):
    """One dataset of the hub, or a local one in a form that `datasets` reads."""

    config: HubConfig

    def load(self) -> Images:
        """Download what is not in the cache of `datasets`, and decode it."""
        return self._arrays().images(self.config)

    def fingerprint(self) -> str:
        """Digest of the decoded images and labels."""
        arrays = self._arrays()
        return array_digest(*(part[split] for part in (arrays.x, arrays.y) for split in SPLITS))

    def _arrays(self) -> Arrays:
        return _read(self.config, _stamp(Path(self.config.name)))


def _stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Path, size and times of change of a local dataset's files; nothing of one on the hub."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return tuple((str(path), s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in files)


@lru_cache(maxsize=1)
def _read(config: HubConfig, stamp: tuple[tuple[str, int, int, int], ...]) -> Arrays:
    """Both splits; the last dataset asked for is kept, since its fingerprint needs it as well.

    Args:
        stamp: of its files, so that what was edited meanwhile is read again.
    """
    train, test = (_split(config, split) for split in (config.train_split, config.test_split))
    mode = mode_for(train[0][config.image], config.channels)
    x = {"train": _pixels(train, config, mode), "test": _pixels(test, config, mode)}
    if x["train"].shape[1:] != x["test"].shape[1:]:
        raise _differ(config, {x[split].shape[1:3] for split in SPLITS})
    y = {"train": _labels(train, config), "test": _labels(test, config)}
    stated = _classes(train, config)
    classes = stated or int(y["train"].max()) + 1
    if stated is None and (empty := empty_classes(y["train"], classes)):
        raise _refuse(config, config.label, "labels 0, 1, 2, ... without gaps", empty)
    for labels in y.values():
        if labels.min() < 0 or labels.max() >= classes:
            found = f"{labels.min()}..{labels.max()}"
            raise _refuse(config, config.label, f"labels in 0..{classes - 1}", found)
    return Arrays(x, y, classes)


def _split(config: HubConfig, split: str) -> Any:
    """One split with the two fields present."""
    try:
        if (Path(config.name) / "dataset_dict.json").is_file():
            rows = datasets.load_from_disk(config.name)[split]
        else:
            rows = datasets.load_dataset(config.name, config.config, split=split, revision=config.revision)
    except Exception as error:  # whatever the package, its file formats and the network may raise
        raise DataError(
            f"hub dataset {config.name}: split {split} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if len(rows) == 0:
        raise DataError(f"hub dataset {config.name}: split {split} is empty")
    for field in (config.image, config.label):
        if field not in rows.column_names:
            found = ", ".join(rows.column_names)
            raise _refuse(config, field, f"in split {split}", f"only {found}")
    try:
        first = rows[0][config.image]
    except FAULTS as error:
        raise _refuse(config, config.image, "readable images", f"image 0 is not: {error}") from error
    if not isinstance(first, Image.Image):
        raise _refuse(config, config.image, "images", type(first).__name__)
    return rows


def _pixels(rows: Iterable[Any], config: HubConfig, mode: str) -> Bytes:
    """Images of one split, uint8 [N, H, W] or [N, H, W, 3]."""
    images = []
    try:
        for row in rows:
            images.append(picture(row[config.image], config.size, mode))
    except FAULTS as error:  # what PIL raises for damaged files
        raise _refuse(
            config, config.image, "readable images", f"image {len(images)} is not: {error}"
        ) from error
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        raise _differ(config, sizes)
    return np.stack(images)


def _labels(rows: Any, config: HubConfig) -> Labels:
    labels: npt.NDArray[Any] = np.asarray(rows[config.label])
    if labels.ndim == 1 and np.issubdtype(labels.dtype, np.character):
        found = f"{labels.dtype} {list(labels.shape)}; name them with `rows.class_encode_column({config.label!r})`"
        raise _refuse(config, config.label, "one integer an image", found)
    if labels.ndim != 1 or not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_):
        raise _refuse(config, config.label, "one integer an image", f"{labels.dtype} {list(labels.shape)}")
    return labels.astype(np.int64)


def _classes(rows: Any, config: HubConfig) -> int | None:
    """Number of classes the dataset's own description states, if it does."""
    stated = getattr(rows.features[config.label], "num_classes", None)
    return None if stated is None else int(stated)


def _differ(config: HubConfig, sizes: set[Any]) -> DataError:
    found = ", ".join(f"{height} x {width}" for height, width in sorted(sizes)[:4])
    return _refuse(config, config.image, "images of one size (set `size` to resize them)", found)


def _refuse(config: HubConfig, field: str, expected: str, found: str) -> DataError:
    return DataError(f"hub dataset {config.name}: field {field}: expected {expected}, found {found}")
