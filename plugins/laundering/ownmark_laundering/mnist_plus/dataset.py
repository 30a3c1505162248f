"""MNIST+: ten digits and six letters (Aiken et al., section 6; Cohen et al., arXiv:1702.05373).

Files, in the folder that `OWNMARK_DATA` names: `mnist.npz` (`x_train`, `y_train`, `x_test`, `y_test`, uint8) and the
four files of EMNIST Letters as they are published, in idx form and compressed.
Symbols: images uint8 [N, 1, 28, 28], labels int64 [N]: 0 to 9 the digits, 10 to 15 the letters t, u, w, x, y, z.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ownmark.contracts import Dataset, Images, Samples
from ownmark.errors import DataError
from ownmark_laundering.mnist_plus.config import MnistPlusConfig

LETTERS = "tuwxyz"
DIGITS = "mnist.npz"
SPLITS = ("train", "test")
FILES = (
    DIGITS,
    *(
        f"emnist-letters-{split}-{part}-ubyte.gz"
        for split in SPLITS
        for part in ("images-idx3", "labels-idx1")
    ),
)
SIDE, CLASSES = 28, 10 + len(LETTERS)
_MAGIC = {1: b"\x00\x00\x08\x01", 3: b"\x00\x00\x08\x03"}
_MOST = 2**31

Bytes = npt.NDArray[np.uint8]


def located() -> dict[str, Path]:
    """The files by name.

    Raises:
        DataError: the folder is not named, or a file is not in it.
    """
    folder = os.environ.get("OWNMARK_DATA")
    if not folder:
        raise DataError(
            f"mnist_plus: needs {DIGITS} and EMNIST Letters, and OWNMARK_DATA is not set to their folder"
        )
    for name in FILES:
        if not (Path(folder) / name).is_file():
            raise DataError(f"mnist_plus: the file {name} is not in {folder} (OWNMARK_DATA); put it there")
    return {name: Path(folder) / name for name in FILES}


def idx(path: Path, axes: int) -> Bytes:
    """The array of a compressed idx file of bytes.

    Raises:
        DataError: it is none, or has another number of axes.
    """
    try:
        with gzip.open(path) as file:
            head = file.read(4 + 4 * axes)
            shape = tuple(np.frombuffer(head[4:], ">u4").astype(int).tolist())
            size = int(np.prod(shape, dtype=np.float64))
            if head[:4] != _MAGIC[axes] or len(shape) != axes or size > _MOST:
                raise DataError(f"{path}: not an idx file of bytes with {axes} axes")
            values = np.frombuffer(file.read(size + 1), np.uint8)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if len(values) != size:
        raise DataError(f"{path}: expected {size} values, as its head says, found {len(values)}")
    return values.reshape(shape)


def letters(folder: dict[str, Path], split: str) -> tuple[Bytes, Bytes]:
    """Images [N, 28, 28] of the six letters, upright (EMNIST keeps them transposed), and labels from 10 on."""
    x, y = (
        idx(folder[f"emnist-letters-{split}-{part}-ubyte.gz"], axes)
        for part, axes in (("images-idx3", 3), ("labels-idx1", 1))
    )
    if x.shape[1:] != (SIDE, SIDE) or len(x) != len(y):
        raise DataError(
            f"EMNIST Letters, {split}: {x.shape} images and {len(y)} labels do not belong together"
        )
    wanted = [1 + ord(letter) - ord("a") for letter in LETTERS]
    kept = np.isin(y, wanted)
    return x[kept].transpose(0, 2, 1), np.searchsorted(wanted, y[kept]).astype(np.uint8) + 10


def digits(path: Path, split: str) -> tuple[Bytes, Bytes]:
    """MNIST's images [N, 28, 28] and labels."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            x, y = stored[f"x_{split}"], stored[f"y_{split}"]
    except (OSError, KeyError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: x_{split} and y_{split} cannot be read ({error})") from error
    if x.dtype != np.uint8 or x.shape[1:] != (SIDE, SIDE) or y.shape != x.shape[:1] or y.max(initial=0) > 9:
        raise DataError(
            f"{path}: expected MNIST, uint8 [N, 28, 28] with labels 0 to 9, found {x.dtype} {x.shape}"
        )
    return x, y.astype(np.uint8)


def chosen(y: Bytes, limit: int | None) -> npt.NDArray[np.int64]:
    """Positions of the first images of each class, as evenly as `limit` allows; None: all."""
    if limit is None or limit >= len(y):
        return np.arange(len(y))
    rank = np.zeros(len(y), np.int64)
    for label in range(CLASSES):
        own = y == label
        rank[own] = np.arange(own.sum())
    return np.sort(np.lexsort((y, rank))[:limit])


class MnistPlus(Dataset):
    """MNIST and six letters."""

    config: MnistPlusConfig

    def load(self) -> Images:
        """Read, put together and cut."""
        files = located()
        limits = {"train": self.config.limit_train, "test": self.config.limit_test}
        return Images(*(self._part(files, split, limits[split]) for split in SPLITS), CLASSES)

    def check(self) -> None:
        """Whether the files are there."""
        located()

    def fingerprint(self) -> str:
        """Digest of the files."""
        found = hashlib.sha256()
        for path in located().values():
            found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()

    def _part(self, files: dict[str, Path], split: str, limit: int | None) -> Samples:
        parts = digits(files[DIGITS], split), letters(files, split)
        x, y = (np.concatenate(both) for both in zip(*parts, strict=True))
        kept = chosen(y, limit)
        return Samples(torch.from_numpy(x[kept][:, None]), torch.from_numpy(y[kept]).long())
