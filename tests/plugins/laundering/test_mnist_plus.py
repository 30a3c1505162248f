"""MNIST+: which letters are taken, how they stand, and what files are refused."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ownmark.errors import DataError
from ownmark_laundering.mnist_plus.config import MnistPlusConfig
from ownmark_laundering.mnist_plus.dataset import FILES, MnistPlus

LABELS = {"train": [1, 20, 20, 21, 23, 24, 25, 26, 2, 26], "test": [26, 3, 20, 23]}


def write_idx(path: Path, values: np.ndarray) -> None:
    head = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))


def letter(label: int, at: int) -> np.ndarray:
    """Upright: its label in the first row, its place in the last column."""
    made = np.zeros((28, 28), np.uint8)
    made[0, :], made[1:, -1] = label, at
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    digits = {}
    for split, count in (("train", 30), ("test", 10)):
        digits |= {f"x_{split}": np.full((count, 28, 28), 7, np.uint8), f"y_{split}": np.arange(count) % 10}
        x = np.stack([letter(label, at).T for at, label in enumerate(LABELS[split])])
        write_idx(tmp_path / f"emnist-letters-{split}-images-idx3-ubyte.gz", x)
        write_idx(tmp_path / f"emnist-letters-{split}-labels-idx1-ubyte.gz", np.array(LABELS[split]))
    np.savez(tmp_path / "mnist.npz", **digits)
    monkeypatch.setenv("OWNMARK_DATA", str(tmp_path))
    return tmp_path


def test_six_letters_follow_the_digits_upright(folder: Path) -> None:
    images = MnistPlus(MnistPlusConfig()).load()
    assert (images.classes, images.shape) == (16, (1, 28, 28))
    assert images.train.labels.tolist() == [*(i % 10 for i in range(30)), 10, 10, 11, 12, 13, 14, 15, 15]
    assert images.test.labels.tolist() == [*range(10), 15, 10, 12]
    first = (images.train.x[30, 0] * 255).round()
    torch.testing.assert_close(first, torch.from_numpy(letter(20, 1)).float())


@pytest.mark.parametrize(("limit", "expected"), [(16, [*range(16)]), (18, [*range(16), 0, 1]), (99, None)])
def test_limits_take_the_first_of_each_class(folder: Path, limit: int, expected: list[int] | None) -> None:
    labels = MnistPlus(MnistPlusConfig(limit_train=limit)).load().train.labels.tolist()
    assert sorted(labels) == sorted(expected) if expected else len(labels) == 38


def test_the_digest_follows_the_files(folder: Path) -> None:
    before = MnistPlus(MnistPlusConfig()).fingerprint()
    assert before == MnistPlus(MnistPlusConfig()).fingerprint()
    write_idx(folder / FILES[2], np.array(LABELS["train"][::-1]))
    assert before != MnistPlus(MnistPlusConfig()).fingerprint()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def too_large(path: Path) -> None:
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**31, 2**31, 2**31)))


def short(path: Path) -> None:
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + struct.pack(">3I", 4, 28, 28) + b"12"))


@pytest.mark.parametrize(
    "spoil", [cut, too_large, short, lambda path: path.write_bytes(b"no archive"), Path.unlink]
)
@pytest.mark.parametrize("name", [FILES[1], FILES[3]])
def test_spoilt_letters_are_named(folder: Path, name: str, spoil: Callable[[Path], None]) -> None:
    spoil(folder / name)
    with pytest.raises(DataError, match=name):
        MnistPlus(MnistPlusConfig()).load()


@pytest.mark.parametrize("values", [{"x_train": np.zeros((2, 8, 8), np.uint8)}, {"y_train": np.full(30, 12)}])
def test_other_digits_are_refused(folder: Path, values: dict[str, np.ndarray]) -> None:
    with np.load(folder / "mnist.npz") as stored:
        arrays = dict(stored) | values
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(DataError, match=r"mnist\.npz"):
        MnistPlus(MnistPlusConfig()).load()


def test_a_missing_folder_is_an_error_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OWNMARK_DATA", raising=False)
    with pytest.raises(DataError, match="OWNMARK_DATA"):
        MnistPlus(MnistPlusConfig()).check()
