"""The standard sets: the folder, the merging, and that no file passes for another.

Small made-up sets stand in for the real ones, whose tests are marked `data`.
"""

from __future__ import annotations

import hashlib
import shutil
import sys

import numpy as np
import pytest
import torch

from ownmark.builtin.datasets import standard
from ownmark.builtin.datasets.archive import array_digest
from ownmark.builtin.datasets.config import LimitedConfig
from ownmark.builtin.datasets.sources import SOURCES, Source
from ownmark.errors import DataError

CLASSES = {
    "mnist": standard.Mnist, "fashion-mnist": standard.FashionMnist, "cifar10": standard.Cifar10,
    "cifar10-small": standard.Cifar10Small, "cifar100-subset": standard.Cifar100Subset,
}  # fmt: skip


def made(seed, shape=(28, 28)):
    rng = np.random.default_rng(seed)
    sizes = {"train": 20, "test": 10}
    x = {f"x_{split}": rng.integers(0, 256, (n, *shape), dtype=np.uint8) for split, n in sizes.items()}
    return x | {f"y_{split}": rng.permutation(n).astype(np.uint8) % 10 for split, n in sizes.items()}


def source(files, arrays):
    digests = {field: array_digest(array) for field, array in arrays.items()}
    return Source(files, arrays["x_train"].shape[1:], 10, 20, 10, digests)


@pytest.fixture
def folder(tmp_path, monkeypatch, encode):
    """A data folder with a made-up mnist, fashion-mnist, and a cifar10 in two files, one of them coded."""
    mnist, fashion, cifar = made(0), made(1), made(2, (32, 32, 3))
    table = {
        "mnist": source(("mnist.npz",), mnist),
        "fashion-mnist": source(("fashion-mnist.npz",), fashion),
        "cifar10": source(("cifar10-small.npz", "cifar10-rest.npz"), cifar),
    }
    monkeypatch.setattr(standard, "SOURCES", table)
    monkeypatch.setenv("OWNMARK_DATA", str(tmp_path))
    np.savez(tmp_path / "mnist.npz", **mnist)
    np.savez(tmp_path / "fashion-mnist.npz", **fashion)
    rows = {split: np.random.default_rng(3).permutation(n) for split, n in (("train", 20), ("test", 10))}
    np.savez(tmp_path / "cifar10-small.npz", **part(cifar, {s: r[:6] for s, r in rows.items()}))
    rest = part(cifar, {s: r[6:] for s, r in rows.items()})
    coded = {f"r_{split}": encode(rest.pop(f"x_{split}")) for split in rows}
    np.savez(tmp_path / "cifar10-rest.npz", **rest, **coded)
    return tmp_path


def part(arrays, rows):
    taken = {field: array[rows[field[2:]]] for field, array in arrays.items()}
    return taken | {f"idx_{split}": index.astype(np.int32) for split, index in rows.items()}


def dataset(name, **limits):
    return CLASSES[name](LimitedConfig(**limits))


def test_plain_file(folder):
    images = dataset("mnist").load()
    assert (images.shape, images.classes, len(images.train), len(images.test)) == ((1, 28, 28), 10, 20, 10)


def test_two_files_merge_into_the_official_order(folder):
    images, official = dataset("cifar10").load(), made(2, (32, 32, 3))
    assert images.train.labels.tolist() == official["y_train"].tolist()
    stored = torch.from_numpy(official["x_train"]).permute(0, 3, 1, 2)
    assert torch.equal(images.train.x.mul(255).round().byte(), stored)


def test_limits_apply_to_the_merged_set(folder):
    images = dataset("cifar10", limit_train=10).load()
    assert sorted(images.train.labels.tolist()) == list(range(10))


@pytest.mark.parametrize("method", ["load", "check"])
def test_another_set_under_its_name_is_refused(folder, method):
    shutil.copy(folder / "fashion-mnist.npz", folder / "mnist.npz")
    with pytest.raises(DataError, match=r"mnist\.npz: field y_train: .* of mnist .* those of fashion-mnist"):
        getattr(dataset("mnist"), method)()


@pytest.mark.parametrize("field", ["x_train", "x_test", "y_train", "y_test"])
def test_one_changed_value_is_noticed(folder, field):
    arrays = made(0)
    arrays[field].flat[3] = (arrays[field].flat[3] + 1) % 10
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(DataError, match=f"field {field}: expected the values of mnist"):
        dataset("mnist").load()


def test_wrong_number(folder):
    np.savez(folder / "mnist.npz", **{field: array[:8] for field, array in made(0).items()})
    with pytest.raises(DataError, match="field y_train: expected 20 labels for mnist, found 8"):
        dataset("mnist").check()


def test_wrong_shape(folder):
    np.savez(folder / "mnist.npz", **made(0, (14, 14)) | {k: v for k, v in made(0).items() if k[0] == "y"})
    with pytest.raises(
        DataError, match=r"field x_train: expected images of shape \(28, 28\), found \(14, 14\)"
    ):
        dataset("mnist").load()


def test_positions_that_overlap(folder):
    with np.load(folder / "cifar10-rest.npz") as stored:
        fields = dict(stored)
    fields["idx_train"][0] = fields["idx_train"][1]
    np.savez(folder / "cifar10-rest.npz", **fields)
    with pytest.raises(
        DataError, match=r"cifar10-rest\.npz: field idx_train: expected .* each of 0\.\.19 once"
    ):
        dataset("cifar10").check()


@pytest.mark.parametrize("method", ["load", "check", "fingerprint"])
def test_no_variable(monkeypatch, method):
    monkeypatch.delenv("OWNMARK_DATA", raising=False)
    with pytest.raises(
        DataError, match=r"mnist: needs the file mnist\.npz, .*not set; .*export OWNMARK_DATA="
    ):
        getattr(dataset("mnist"), method)()


def test_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("OWNMARK_DATA", str(tmp_path / "absent"))
    with pytest.raises(DataError, match=r"OWNMARK_DATA=.*absent is no folder"):
        dataset("mnist").check()


def test_one_of_two_files_missing(folder):
    (folder / "cifar10-rest.npz").unlink()
    with pytest.raises(DataError, match=r"cifar10: the file cifar10-rest\.npz is not in .*OWNMARK_DATA"):
        dataset("cifar10").check()


def test_fingerprint_covers_every_file(folder):
    before = dataset("cifar10").fingerprint()
    for file in SOURCES["cifar10"].files:
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() in before


@pytest.mark.data
@pytest.mark.parametrize("name", SOURCES)
def test_real_set(real_sets, name):
    images, expected = dataset(name).load(), SOURCES[name]
    assert (len(images.train), len(images.test), images.classes) == (
        expected.train,
        expected.test,
        expected.classes,
    )
    assert images.shape[1:] == expected.shape[:2]
    assert 0 <= float(images.train.x.min()) <= float(images.train.x.max()) <= 1


@pytest.mark.data
@pytest.mark.parametrize("name", SOURCES)
def test_real_set_equals_its_own_loader(real_sets, name, monkeypatch):
    monkeypatch.syspath_prepend(str(real_sets))
    monkeypatch.delitem(sys.modules, "load", raising=False)
    oracle = pytest.importorskip("load").load(name)
    images = dataset(name, limit_train=500).load()
    x, y = oracle["x_test"], oracle["y_test"]
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    assert np.array_equal(images.test.x.mul(255).round().byte().numpy(), x)
    assert np.array_equal(images.test.labels.numpy(), y)
    assert len(set(images.train.labels.bincount().tolist())) == 1


@pytest.mark.data
def test_real_fashion_mnist_does_not_pass_for_mnist(real_sets, tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").symlink_to(real_sets / "fashion-mnist.npz")
    monkeypatch.setenv("OWNMARK_DATA", str(tmp_path))
    with pytest.raises(DataError, match="those of fashion-mnist"):
        dataset("mnist").check()
