"""`hub`: on a stand-in for the package `datasets`, and on the package itself where it is installed."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from ownmark.builtin.datasets.config import HubConfig
from ownmark.builtin.datasets.declared import DATASETS
from ownmark.errors import DataError, MethodUnavailable

Image = pytest.importorskip("PIL.Image")
HUB = next(declaration for declaration in DATASETS if declaration.id == "hub")


def picture(seed, size=(6, 4), mode="RGB"):
    shape = (*size, 3) if mode == "RGB" else size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), mode=None)


class Rows:
    """A split as `datasets` gives it: rows by number, columns by name."""

    def __init__(self, images, labels, classes=3):
        self.columns = {"image": images, "label": labels}
        self.column_names = list(self.columns)
        self.features = {
            "label": SimpleNamespace(num_classes=classes) if classes else object(),
            "image": None,
        }

    def __len__(self):
        return len(self.columns["image"])

    def __getitem__(self, key):
        return self.columns[key] if isinstance(key, str) else {k: v[key] for k, v in self.columns.items()}

    def __iter__(self):
        return (self[i] for i in range(len(self)))


@pytest.fixture
def splits():
    return {
        "train": Rows([picture(i) for i in range(6)], [0, 1, 2, 0, 1, 2]),
        "test": Rows([picture(i) for i in range(9, 12)], [2, 1, 0]),
    }


@pytest.fixture
def hub(monkeypatch, splits):
    """The module, on a stand-in that serves `splits` and notes what it was asked."""

    def load_dataset(name, config, *, split, revision):
        package.asked.append((name, config, split, revision))
        return splits[split]

    package = ModuleType("datasets")
    package.asked, package.load_dataset = [], load_dataset
    monkeypatch.setitem(sys.modules, "datasets", package)
    monkeypatch.delitem(sys.modules, "ownmark.builtin.datasets.hub", raising=False)
    yield importlib.import_module("ownmark.builtin.datasets.hub")
    sys.modules.pop("ownmark.builtin.datasets.hub", None)


def load(hub, **params):
    return hub.Hub(HubConfig(name="somebody/pictures", **params)).load()


def test_pixels_labels_classes(hub, splits):
    images = load(hub)
    assert (images.shape, images.classes, images.test.labels.tolist()) == ((3, 6, 4), 3, [2, 1, 0])
    stored = torch.from_numpy(np.asarray(splits["train"][4]["image"]).copy()).permute(2, 0, 1)
    assert torch.equal(images.train.x[4].mul(255).round().byte(), stored)


def test_what_the_package_is_asked_for(hub):
    load(hub, config="small", revision="v1")
    asked = [("somebody/pictures", "small", split, "v1") for split in ("train", "test")]
    assert sys.modules["datasets"].asked == asked


def test_size_and_channels(hub):
    assert load(hub, size=8, channels=1).shape == (1, 8, 8)


def test_grey_stays_grey(hub, splits):
    splits["train"] = Rows([picture(i, mode="L") for i in range(3)], [0, 1, 2])
    assert load(hub).shape == (1, 6, 4)


def test_limits(hub):
    assert load(hub, limit_train=3).train.labels.tolist() == [0, 1, 2]


def test_classes_from_labels_where_none_are_stated(hub, splits):
    splits["train"].features["label"] = object()
    assert load(hub).classes == 3


def test_fingerprint_follows_pixels_not_limits(hub, splits):
    def fingerprint(**params):
        return hub.Hub(HubConfig(name="somebody/pictures", **params)).fingerprint()

    assert fingerprint() == fingerprint(limit_train=2)
    assert fingerprint() != fingerprint(size=5)


def test_a_local_folder_that_is_edited_meanwhile_is_read_again(hub, splits, tmp_path):
    (tmp_path / "0.png").write_bytes(b"0")
    first = hub.Hub(HubConfig(name=str(tmp_path))).fingerprint()
    splits["train"] = Rows([picture(i) for i in range(20, 26)], [0, 1, 2, 0, 1, 2])
    assert hub.Hub(HubConfig(name=str(tmp_path))).fingerprint() == first
    (tmp_path / "0.png").write_bytes(b"1")
    os.utime(tmp_path / "0.png", (1, 1))
    assert hub.Hub(HubConfig(name=str(tmp_path))).fingerprint() != first


@pytest.mark.parametrize(
    ("split", "rows", "message"),
    [
        (
            "test",
            Rows([picture(0), picture(1, (5, 5))], [0, 1]),
            r"image: expected images of one size .*found 5 x 5, 6 x 4",
        ),
        ("test", Rows([picture(1, (5, 5))], [0]), r"images of one size .*found 5 x 5, 6 x 4"),
        ("test", Rows([picture(0)], [-1]), r"label: expected labels in 0\.\.2, found -1\.\.-1"),
        ("train", Rows([picture(0)], ["cat"]), "label: expected one integer an image, found <U3"),
        (
            "train",
            Rows([picture(0)], [[0, 1]]),
            r"label: expected one integer an image, found int64 \[1, 2\]",
        ),
        ("train", Rows(["a.png"], [0]), "image: expected images, found str"),
        ("train", Rows([], []), "split train is empty"),
    ],
)
def test_bad_data(hub, splits, split, rows, message):
    splits[split] = rows
    with pytest.raises(DataError, match=message):
        load(hub)


def test_missing_field(hub):
    with pytest.raises(DataError, match="field img: expected in split train, found only image, label"):
        load(hub, image="img")


def test_missing_split(hub):
    with pytest.raises(DataError, match="split validation cannot be loaded: KeyError"):
        load(hub, test_split="validation")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.delitem(sys.modules, "ownmark.builtin.datasets.hub", raising=False)
    with pytest.raises(MethodUnavailable, match=r"needs the package 'datasets': pip install '.*\[hub\]'"):
        HUB.load()


@pytest.mark.parametrize("form", ["saved to disk", "image folder"])
def test_the_package_itself(tmp_path, tmp_path_factory, monkeypatch, form):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="the optional package `datasets` is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    pictures = {split: [picture(10 * i + j) for j in range(4)] for i, split in enumerate(("train", "test"))}
    (save_to_disk if form == "saved to disk" else save_folder)(datasets, pictures, tmp_path)
    module = importlib.import_module("ownmark.builtin.datasets.hub")
    images = module.Hub(HubConfig(name=str(tmp_path))).load()
    expected = torch.from_numpy(np.stack([np.asarray(p) for p in pictures["test"]])).permute(0, 3, 1, 2)
    assert (images.classes, images.test.labels.tolist()) == (2, [0, 0, 1, 1])
    assert torch.equal(images.test.x.mul(255).round().byte(), expected)


def save_to_disk(datasets, pictures, path):
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["a", "b"]))
    rows = {s: {"image": p, "label": [0, 0, 1, 1]} for s, p in pictures.items()}
    splits = {s: datasets.Dataset.from_dict(row, features=features) for s, row in rows.items()}
    datasets.DatasetDict(splits).save_to_disk(str(path))


def save_folder(datasets, pictures, path):
    for split, images in pictures.items():
        for i, image in enumerate(images):
            file = path / split / "aabb"[i] / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image.save(file)
