"""`npz`: what is read, and every way in which a file can be wrong."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from ownmark.builtin.datasets.config import NpzConfig
from ownmark.builtin.datasets.npz import Npz
from ownmark.errors import DataError

GREY = np.full((12, 6, 5), 7, np.uint8)
BAD_FIELDS = {
    "no images": ({"x_train": None}, "field x_train is missing (found: x_test, y_test, y_train)"),
    "no labels": ({"y_test": None}, "field y_test is missing (found: x_test, x_train, y_train)"),
    "float images": ({"x_train": np.zeros((12, 6, 5))}, "field x_train: expected uint8, found float64"),
    "float labels": ({"y_train": np.zeros(12)}, "field y_train: expected integers, found float64"),
    "flat images": ({"x_train": np.zeros((12, 30), np.uint8)}, "field x_train: expected shape [N, H, W], "),
    "four channels": ({"x_test": np.zeros((6, 6, 5, 4), np.uint8)}, "found shape [6, 6, 5, 4]"),
    "channels first": ({"x_test": np.zeros((6, 3, 6, 5), np.uint8)}, "found shape [6, 3, 6, 5]"),
    "no pixels": ({"x_train": np.zeros((12, 0, 5), np.uint8)}, "found shape [12, 0, 5]"),
    "one-hot labels": ({"y_train": np.zeros((12, 3), int)}, "field y_train: expected shape [N] with N >= 1"),
    "empty": ({"y_train": np.zeros(0, int)}, "found shape [0]"),
    "fewer labels": (
        {"y_train": np.arange(11) % 3},
        "field x_train: expected 11 images, one for each label in y_train",
    ),
    "negative label": (
        {"y_train": np.arange(12) % 3 - 1},
        "field y_train: expected labels in 0..1, found -1..1",
    ),
    "unseen test label": ({"y_test": np.arange(6)}, "field y_test: expected labels in 0..2, found 0..5"),
    "label beyond names": (
        {"classes": np.array(["a", "b"])},
        "field y_train: expected labels in 0..1, found 0..2",
    ),
    "one class": (
        {"y_train": np.zeros(12, int), "y_test": np.zeros(6, int)},
        "expected at least 2 classes, found 1",
    ),
    "labels from 1": ({"y_train": np.arange(12) % 3 + 1, "y_test": np.ones(6, int)}, "no image of class 0"),
    "labels with gaps": (
        {"y_train": np.arange(12) % 3 * 10, "y_test": np.zeros(6, int)},
        "no image of class 1 (18 such",
    ),
    "a class in the middle": (
        {"y_train": np.arange(12) % 2 * 2, "y_test": np.zeros(6, int)},
        "no image of class 1",
    ),
    "pixels in 0..1": ({"x_train": np.ones((12, 6, 5, 3), np.uint8)}, "brightest pixel of 1: divided by 255"),
    "black images": ({"x_train": np.zeros((12, 6, 5, 3), np.uint8)}, "brightest pixel of 0"),
    "test size": (
        {"x_test": np.zeros((6, 8, 8, 3), np.uint8)},
        "field x_test: expected images of shape (6, 5, 3)",
    ),
    "coded shape": (
        {"x_train": None, "r_train": np.zeros((12, 6, 5, 3), np.uint8)},
        "field r_train: expected shape [N, 3, H, W]",
    ),
}


def load(path, **params):
    return Npz(NpzConfig(path=path, **params)).load()


def test_rgb(write):
    images = load(write())
    assert (images.shape, images.classes, len(images.train), len(images.test)) == ((3, 6, 5), 3, 12, 6)
    assert images.train.labels.tolist() == [0, 1, 2] * 4


@pytest.mark.parametrize("tail", [(), (1,)], ids=["no channel axis", "channel axis"])
def test_grey(write, tail):
    path = write(x_train=np.full((12, 6, 5, *tail), 9, np.uint8), x_test=np.zeros((6, 6, 5, *tail), np.uint8))
    assert load(path).shape == (1, 6, 5)


def test_coded_images_are_decoded(write, encode):
    plain = np.random.default_rng(3).integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)
    images = load(write(x_train=None, r_train=encode(plain)))
    assert torch.equal(images.train.x.mul(255).round().byte(), torch.from_numpy(plain).permute(0, 3, 1, 2))


def test_classes_by_parameter_then_by_names_then_by_labels(write):
    named = write("named.npz", classes=np.array(["a", "b", "c", "d"]))
    assert [load(named, classes=7).classes, load(named).classes, load(write()).classes] == [7, 4, 3]


def test_limits(write):
    images = load(write(), limit_train=6, limit_test=3)
    assert (images.train.labels.tolist(), images.test.labels.tolist()) == ([0, 1, 2, 0, 1, 2], [0, 1, 2])


def test_home_is_resolved(write, monkeypatch):
    monkeypatch.setenv("HOME", str(write().parent))
    assert load("~/mine.npz").classes == 3


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_wrong_field_is_named_with_the_file(write, case):
    changes, message = BAD_FIELDS[case]
    path = write(**changes)
    with pytest.raises(DataError) as error:
        load(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("case", ["fewer labels", "negative label", "no labels"])
def test_check_and_load_agree_on_labels(write, case):
    path = write(**BAD_FIELDS[case][0])
    check = Npz(NpzConfig(path=path)).check
    if case == "fewer labels":
        check()  # sees the labels only, and they are fine by themselves
    else:
        with pytest.raises(DataError):
            check()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, GREY)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable .npz file"),
        (b"not a zip at all", "not a readable .npz file"),
        (pickle.dumps({"x_train": 1}), "not a readable .npz file"),
        (_array(), "found a single array (.npy)"),
    ],
    ids=["empty", "text", "pickle", "npy"],
)
@pytest.mark.parametrize("method", ["load", "check"])
def test_no_archive(tmp_path, content, message, method):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.npz: ") as error:
        getattr(Npz(NpzConfig(path=path)), method)()
    assert message in str(error.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated(write, share):
    path = write()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="perhaps truncated"):
        load(path)


def test_damaged_member(write):
    path = write()
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("x_train.npy").header_offset + 200
    content[start : start + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(DataError, match="field x_train cannot be read"):
        load(path)


def test_objects_are_not_unpickled(write):
    path = write(y_train=np.array([0, "a", None] * 4, dtype=object))
    with pytest.raises(DataError, match=r"field y_train cannot be read .*allow_pickle=False"):
        load(path)


def test_member_that_is_no_array(write):
    path = write(y_train=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("y_train", b"hello")
    with pytest.raises(DataError, match="field y_train: expected an array"):
        load(path)


@pytest.mark.parametrize("method", ["load", "check", "fingerprint"])
def test_no_file(tmp_path, method):
    with pytest.raises(DataError, match=r"absent\.npz: "):
        getattr(Npz(NpzConfig(path=tmp_path / "absent.npz")), method)()


def test_fingerprint_follows_the_content(write):
    path = write()
    first = Npz(NpzConfig(path=path)).fingerprint()
    assert Npz(NpzConfig(path=path, limit_train=3)).fingerprint() == first
    write(y_train=np.arange(12) % 2)
    os.utime(path, ns=(1, 1))
    assert Npz(NpzConfig(path=path)).fingerprint() != first


@pytest.mark.parametrize("name", ["absent.npz", "data/absent.npz"])
def test_a_relative_path_says_where_it_was_looked_for(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"looked for in the working folder") as error:
        load(name)
    assert str(tmp_path) in str(error.value)


def test_truth_values_are_two_classes(write):
    images = load(write(y_train=np.arange(12) % 2 == 0, y_test=np.ones(6, bool)))
    assert (images.classes, images.train.labels.tolist()[:2], images.test.labels.tolist()[0]) == (
        2,
        [1, 0],
        1,
    )


@pytest.mark.parametrize("labels", [["cat", "dog"], ["0", "1"]])
def test_words_are_refused_with_the_remedy(write, labels):
    with pytest.raises(DataError, match=r"expected integers, found <U.*return_inverse"):
        load(write(y_train=np.array(labels * 6)))


def _stored(write, monkeypatch, **changes):
    """The valid set as `numpy.savez` stores it, with arrays of any size left in the file."""
    monkeypatch.setattr("ownmark.builtin.datasets.archive.MAPPED_FROM", 0)
    path = write(**changes)
    with np.load(path) as fields:
        np.savez(path.with_name("stored.npz"), **{name: fields[name] for name in fields.files})
    return path, path.with_name("stored.npz")


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (6, 5, 3)], ids=["grey", "one channel", "colour"])
def test_stored_images_stay_in_the_file_and_are_the_same(write, monkeypatch, shape):
    rng = np.random.default_rng(4)
    x = {
        f"x_{split}": rng.integers(0, 256, (n, *shape), np.uint8) for split, n in (("train", 12), ("test", 6))
    }
    packed, stored = (load(path, limit_train=7) for path in _stored(write, monkeypatch, **x))
    assert (packed.train.pixels.mapped, stored.train.pixels.mapped) == (False, True)
    for one, other in ((packed.train, stored.train), (packed.test, stored.test)):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.labels, other.labels)


def test_what_is_done_to_stored_images_does_not_reach_the_file(write, monkeypatch):
    _, path = _stored(write, monkeypatch)
    before = path.read_bytes()
    load(path).train.pixels.parts[0].zero_()
    assert path.read_bytes() == before


def test_small_arrays_are_read(write, monkeypatch):
    _, path = _stored(write, monkeypatch)
    monkeypatch.undo()
    assert not load(path).train.pixels.mapped


def test_damaged_stored_images_are_named(write, monkeypatch):
    _, path = _stored(write, monkeypatch)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("x_train.npy").header_offset + 300
    content[start : start + 8] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(DataError, match="field x_train cannot be read"):
        load(path)


def test_stored_objects_are_not_unpickled(write, monkeypatch):
    _, path = _stored(write, monkeypatch)
    with np.load(path) as fields:
        kept = {name: fields[name] for name in fields.files}
    np.savez(path, **{**kept, "x_train": np.array([0, "a", None] * 4, dtype=object)})
    with pytest.raises(DataError, match=r"field x_train cannot be read .*allow_pickle=False"):
        load(path)
