"""MNIST, Fashion-MNIST, CIFAR-10, parts of CIFAR and the ORL faces, from files in the folder `OWNMARK_DATA`.

Sources: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (1998); H. Xiao et al.,
"Fashion-MNIST" (2017, arXiv:1708.07747); A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"
(2009); F. Samaria, A. Harter, "Parameterisation of a Stochastic Model for Human Face Identification" (1994).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ownmark.builtin.datasets.archive import Archive, array_digest, file_digest, opened
from ownmark.builtin.datasets.arrays import SPLITS, Arrays, read_images, read_labels
from ownmark.builtin.datasets.config import LimitedConfig
from ownmark.builtin.datasets.folder import locate
from ownmark.builtin.datasets.pixels import Bytes, Labels
from ownmark.builtin.datasets.sources import SOURCES, Source
from ownmark.contracts.dataset import Dataset, Images
from ownmark.errors import DataError

Positions = Mapping[str, Sequence[npt.NDArray[Any]]]


class Standard(Dataset):
    """One row of `sources.SOURCES`; arrays are held against its digests, so no file passes for another."""

    name: str
    """Its id."""
    config: LimitedConfig

    @property
    def source(self) -> Source:
        """Its row."""
        return SOURCES[self.name]

    def load(self) -> Images:
        """Read, check and merge the files."""
        with ExitStack() as stack:
            archives = self._open(stack)
            positions, y = self._labels(archives)
            x = {split: self._pictures(archives, split, positions) for split in SPLITS}
        return Arrays(x, y, self.source.classes).images(self.config)

    def check(self) -> None:
        """Read and check the labels only."""
        with ExitStack() as stack:
            self._labels(self._open(stack))

    def fingerprint(self) -> str:
        """Digests of the files."""
        return "-".join(file_digest(path) for path in self._paths())

    def _paths(self) -> list[Path]:
        return locate(self.name, self.source.files)

    def _open(self, stack: ExitStack) -> list[Archive]:
        return [stack.enter_context(opened(path)) for path in self._paths()]

    def _labels(self, archives: Sequence[Archive]) -> tuple[Positions, dict[str, Labels]]:
        """Where each archive's rows go, and the labels of both splits in the official order."""
        parts = [read_labels(archive, self.source.classes)[0] for archive in archives]
        positions, y = {}, {}
        for split in SPLITS:
            labels = [part[split] for part in parts]
            positions[split] = self._positions(archives, split, labels)
            y[split] = _merge(labels, positions[split])
            self._compare(archives, f"y_{split}", y[split].astype(np.uint8))
        return positions, y

    def _positions(
        self, archives: Sequence[Archive], split: str, labels: Sequence[Labels]
    ) -> list[npt.NDArray[Any]]:
        """Rows [n] of the merged set that each archive's [n] rows fill: all of them, each once."""
        expected: int = getattr(self.source, split)
        found = sum(map(len, labels))
        if found != expected:
            raise archives[-1].refuse(f"y_{split}", f"{expected} labels for {self.name}", found)
        if len(archives) == 1:
            return [np.arange(expected)]
        field = f"idx_{split}"
        positions = [archive.read(field) for archive in archives]
        if not np.array_equal(np.sort(np.concatenate(positions)), np.arange(expected)):
            raise archives[-1].refuse(field, f"with the other file, each of 0..{expected - 1} once", "others")
        return positions

    def _pictures(self, archives: Sequence[Archive], split: str, positions: Positions) -> Bytes:
        parts = []
        for archive, rows in zip(archives, positions[split], strict=True):
            parts.append(read_images(archive, split, len(rows)))
            if parts[-1].shape[1:] != self.source.shape:
                expected = f"images of shape {self.source.shape}"
                raise archive.refuse(f"x_{split}", expected, parts[-1].shape[1:])
        images = _merge(parts, positions[split])
        self._compare(archives, f"x_{split}", images)
        return images

    def _compare(self, archives: Sequence[Archive], field: str, array: npt.NDArray[Any]) -> None:
        """Hold an array against its digest.

        Raises:
            DataError: it is another set's, or nobody's.
        """
        found = array_digest(array)
        if found == self.source.digests[field]:
            return
        known = [name for name, source in SOURCES.items() if source.digests[field] == found]
        what = f"those of {known[0]}" if known else f"others (sha256 {found}...)"
        files = " + ".join(str(archive.path) for archive in archives)
        expected = f"the values of {self.name} in the official order (sha256 {self.source.digests[field]}...)"
        raise DataError(f"{files}: field {field}: expected {expected}, found {what}")


def _merge(parts: Sequence[npt.NDArray[Any]], positions: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Rows of each part put to its positions."""
    if len(parts) == 1:
        return parts[0]
    merged = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    for part, rows in zip(parts, positions, strict=True):
        merged[rows] = part
    return merged


class Mnist(Standard):
    """Handwritten digits, 60,000 + 10,000, [1, 28, 28]."""

    name = "mnist"


class FashionMnist(Standard):
    """Clothes, 60,000 + 10,000, [1, 28, 28]."""

    name = "fashion-mnist"


class Cifar10(Standard):
    """Small photographs of ten classes, 50,000 + 10,000, [3, 32, 32]."""

    name = "cifar10"


class Cifar10Small(Standard):
    """The first 1,200 + 380 of each class of CIFAR-10, [3, 32, 32]."""

    name = "cifar10-small"


class Cifar100Subset(Standard):
    """The first 110 + 30 of each of the hundred classes of CIFAR-100, [3, 32, 32]."""

    name = "cifar100-subset"


class OrlFaces(Standard):
    """Ten pictures of each of forty people, eight to train and two to test, [1, 56, 46]."""

    name = "orl-faces"
