"""`folder`: what is read and what is refused, and that a folder is as good as the same images in an `npz`."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ownmark import scratch
from ownmark.builtin.datasets.config import FolderConfig
from ownmark.cli import main
from ownmark.errors import DataError

Image = pytest.importorskip("PIL.Image")
from ownmark.builtin.datasets.image_folder import ImageFolder  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("OWNMARK_CACHE", str(folder))
    return folder


def picture(seed, size=(6, 5), mode="RGB"):
    shape = (*size, 3) if mode == "RGB" else size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def fill(root, names, mode="RGB"):
    """A picture, of its own seed, for each name; returns what a reader should find."""
    found = {}
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed, mode=mode).save(root / name)
        with Image.open(root / name) as image:
            found[name] = np.asarray(image)
    return found


SPLIT = [
    f"{split}/{kind}/{i}.png" for split in ("train", "test") for kind in ("cat", "dog") for i in range(3)
]
ONE = [f"{kind}/{i}.jpg" for kind in ("b", "a", "c") for i in range(10)]


def load(root, **params):
    return ImageFolder(FolderConfig(path=root, **params)).load()


def test_train_and_test_folders(tmp_path):
    found = fill(tmp_path, SPLIT)
    images = load(tmp_path)
    assert (images.shape, images.classes) == ((3, 6, 5), 2)
    for split, samples in (("train", images.train), ("test", images.test)):
        names = [name for name in SPLIT if name.startswith(split)]
        expected = np.stack([found[name] for name in names]).transpose(0, 3, 1, 2).astype(np.float32)
        assert torch.equal(samples.x, torch.from_numpy(expected / np.float32(255)))
        assert samples.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert samples.pixels.mapped


def test_one_directory_a_class_holds_a_share_back_always_the_same(tmp_path):
    found = fill(tmp_path, ONE)
    first, second = load(tmp_path, test_share=0.3), load(tmp_path, test_share=0.3)
    assert (len(first.train), len(first.test)) == (21, 9)
    assert torch.bincount(first.test.labels).tolist() == [3, 3, 3]
    assert torch.equal(first.test.x, second.test.x)
    rows = {
        x.tobytes()
        for x in (np.float32(255) * torch.cat([first.train.x, first.test.x]).numpy()).round().astype(np.uint8)
    }
    assert rows == {np.ascontiguousarray(x.transpose(2, 0, 1)).tobytes() for x in found.values()}


@pytest.mark.parametrize(
    ("channels", "mode", "expected"), [(None, "L", 1), (None, "RGB", 3), (1, "RGB", 1), (3, "L", 3)]
)
def test_channels_and_size(tmp_path, channels, mode, expected):
    fill(tmp_path, SPLIT, mode)
    assert load(tmp_path, channels=channels, size=9).shape == (expected, 9, 9)


def test_names_are_sorted_and_hidden_files_ignored(tmp_path):
    fill(tmp_path, ONE)
    for name in (".DS_Store", "a/.DS_Store", "a/Thumbs.db", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "README.txt").write_text("beside the classes")
    assert load(tmp_path).classes == 3


def _damage(root):
    """Four kinds of bad files."""
    whole = (root / "a/1.jpg").read_bytes()
    (root / "a/1.jpg").write_bytes(b"")
    (root / "b/2.jpg").write_text("no picture at all")
    (root / "c/3.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "c/notes.txt").write_text("another kind")
    return ["a/1.jpg", "b/2.jpg", "c/3.jpg", "c/notes.txt"]


def test_bad_files_are_all_named(tmp_path):
    fill(tmp_path, ONE)
    bad = _damage(tmp_path)
    with pytest.raises(DataError, match="4 bad files") as error:
        load(tmp_path)
    assert all(name in str(error.value) for name in bad)
    assert "skip_bad: true" in str(error.value)


def test_bad_files_are_skipped_with_a_count_if_asked(tmp_path, caplog):
    fill(tmp_path, ONE)
    bad = _damage(tmp_path)
    for _ in range(2):  # decoded, and from the cache
        caplog.clear()
        with caplog.at_level(logging.WARNING, "ownmark"):
            images = load(tmp_path, skip_bad=True)
        assert len(images.train) + len(images.test) == 27
        assert "skipped 4 bad files" in caplog.text
        assert all(name in caplog.text for name in bad)


def _no_class(root):
    return root


def _empty(root):
    fill(root, ONE)
    (root / "d").mkdir()
    return root


def _unknown(root):
    fill(root, [*SPLIT, "test/mouse/0.png"])
    return root


def _sizes(root):
    fill(root, SPLIT)
    picture(0, (7, 7)).save(root / "train/dog/9.png")
    return root


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root / "absent", "absent: no such folder"),
        (_no_class, "expected a folder for each of at least 2 classes, found none"),
        (_empty, "no file .* in the folder of class d"),
        (_unknown, "mouse: no such class below"),
        (_sizes, "several sizes, 6 x 5 and 7 x 7 .*9.png.*set `size`"),
    ],
    ids=["absent", "no classes", "an empty class", "a class only tested", "several sizes"],
)
def test_wrong_folders_are_refused(tmp_path, make, message):
    with pytest.raises(DataError, match=message):
        load(make(tmp_path))


def test_files_are_decoded_once_and_again_when_one_changes(tmp_path, cache, monkeypatch):
    fill(tmp_path, ONE)
    first = ImageFolder(FolderConfig(path=tmp_path)).fingerprint()
    (entry,) = cache.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr("ownmark.builtin.datasets.image_folder._decode", None)
        assert ImageFolder(FolderConfig(path=tmp_path)).fingerprint() == first
    picture(99).save(tmp_path / "a/0.jpg")
    os.utime(tmp_path / "a/0.jpg", ns=(1, 1))
    assert ImageFolder(FolderConfig(path=tmp_path)).fingerprint() != first
    assert len(list(cache.iterdir())) == 2
    assert entry.exists()


def test_files_that_change_places_are_noticed_though_size_and_date_stay(tmp_path):
    fill(tmp_path, ONE)
    for path in tmp_path.rglob("*.jpg"):
        path.write_bytes(path.read_bytes().ljust(4000, b"\0"))
        os.utime(path, (1, 1))  # as out of an archive
    first = ImageFolder(FolderConfig(path=tmp_path)).fingerprint()
    (tmp_path / "a/0.jpg").rename(tmp_path / "kept")
    (tmp_path / "b/0.jpg").rename(tmp_path / "a/0.jpg")
    (tmp_path / "kept").rename(tmp_path / "b/0.jpg")
    assert ImageFolder(FolderConfig(path=tmp_path)).fingerprint() != first


def test_the_fingerprint_is_of_what_is_read_not_of_where_it_lies(tmp_path):
    for name in ("here", "there"):
        fill(tmp_path / name, ONE)
    first, second = (
        ImageFolder(FolderConfig(path=tmp_path / name)).fingerprint() for name in ("here", "there")
    )
    assert first == second


@pytest.mark.parametrize("damage", ["about.json", "train.npy", "test.npy"])
def test_a_damaged_cache_is_made_again(tmp_path, cache, damage):
    fill(tmp_path, ONE)
    expected = load(tmp_path).train.x
    (entry,) = cache.iterdir()
    (entry / damage).write_bytes(b"{}")
    assert torch.equal(load(tmp_path).train.x, expected)
    assert list(cache.iterdir()) == [entry]


def test_a_damaged_cache_that_another_process_replaces_meanwhile_is_not_removed(tmp_path, cache, monkeypatch):
    """Between a look at the ruin and its removal: what is moved aside is looked at again."""
    fill(tmp_path, ONE)
    expected = load(tmp_path).train.x
    (entry,) = cache.iterdir()
    (entry / "about.json").write_bytes(b"{}")
    move, theirs = scratch.moved_aside, []

    def overtaken(*places):
        monkeypatch.setattr(scratch, "moved_aside", move)
        load(tmp_path)
        theirs.append(entry.stat().st_ino)
        return move(*places)

    monkeypatch.setattr(scratch, "moved_aside", overtaken)
    assert torch.equal(load(tmp_path).train.x, expected)
    assert list(cache.iterdir()) == [entry]
    assert [entry.stat().st_ino] == theirs


def test_a_cache_without_room_is_told(tmp_path, monkeypatch):
    fill(tmp_path / "images", ONE)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OWNMARK_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="name a folder with room by OWNMARK_CACHE"):
        load(tmp_path / "images")


# --- larger than what is good to hold ------------------------------------------------------------------------------

RUN = """
import json, resource, sys
from pathlib import Path
import torch, pytorch_lightning
from ownmark.builtin.hosts import convnet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from click.testing import CliRunner
from ownmark.cli import main
result = CliRunner().invoke(main, sys.argv[1:])
assert result.exit_code == 0, result.output
print(json.dumps({"grown": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}))
"""
PLAN = """
tasks:
  - {{dataset: {dataset}, host: {{convnet: {{width: 0.25, recipe: {{epochs: 1, batch_size: 64}}}}}}}}
schemes: [{{patch: {{keys: 20, extra_epochs: 1}}}}]
attacks: [none, {{finetune: {{recipe: {{epochs: 1}}}}}}]
attacker: {{data: 0.1}}
verdict: {{null_models: 2, keys: 5, rate: 0.4}}
"""


def _command(folder, name, dataset):
    (folder / f"{name}.yaml").write_text(PLAN.format(dataset=json.dumps(dataset)))
    return ["run", f"{folder}/{name}.yaml", "--store", f"{folder}/{name}-store", "--out", f"{folder}/{name}-run",
            "--device", "cpu"]  # fmt: skip


def _records(folder, name):
    return [json.loads(path.read_text()) for path in Path(folder, f"{name}-run").rglob("records/*.json")]


def _run(folder, name, dataset):
    """Records of a plan on a dataset."""
    done = CliRunner().invoke(main, _command(folder, name, dataset))
    assert done.exit_code == 0, done.output
    return _records(folder, name)


def _run_apart(folder, name, dataset):
    """Records, and by how many KiB the memory of a process that ran the plan grew above its imports."""
    command = [sys.executable, "-c", RUN, *_command(folder, name, dataset)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return _records(folder, name), json.loads(done.stdout.splitlines()[-1])["grown"]


def _results(records):
    kept = [
        {key: record[key] for key in ("metrics", "verdict", "outcome") if key in record} for record in records
    ]
    assert kept
    assert all(one["metrics"] for one in kept)
    return sorted(json.dumps(one, sort_keys=True) for one in kept)


def _jpegs(root, count):
    """`count` pictures of 64x64 in ten classes, a fifth of them to test on; returns the same as arrays."""
    rng, fields = np.random.default_rng(0), {}
    for split, share in (("train", 0.8), ("test", 0.2)):
        x, y = [], []
        for label in range(10):
            folder = root / split / f"class-{label}"
            folder.mkdir(parents=True)
            for i in range(round(share * count / 10)):
                coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                coarse[:, label % 8] = 25 * label
                path = folder / f"{i:05}.jpg"
                Image.fromarray(coarse).resize((64, 64)).save(path, quality=80)
                with Image.open(path) as image:
                    x.append(np.asarray(image))
                y.append(label)
        fields |= {f"x_{split}": np.stack(x), f"y_{split}": np.array(y)}
    return fields


def test_a_folder_gives_the_records_of_the_same_images_in_an_npz(tmp_path):
    np.savez(tmp_path / "same.npz", **_jpegs(tmp_path / "images", 500))
    folder = _run(tmp_path, "folder", {"folder": {"path": f"{tmp_path}/images"}})
    npz = _run(tmp_path, "npz", {"npz": {"path": f"{tmp_path}/same.npz"}})
    assert _results(folder) == _results(npz)


@pytest.mark.slow
def test_20000_jpegs_are_trained_on_in_less_than_a_gigabyte(tmp_path):
    np.savez(tmp_path / "same.npz", **_jpegs(tmp_path / "images", 20_000))
    folder, grown = _run_apart(tmp_path, "folder", {"folder": {"path": f"{tmp_path}/images"}})
    npz, _ = _run_apart(tmp_path, "npz", {"npz": {"path": f"{tmp_path}/same.npz"}})
    print(f"{grown / 1024:.0f} MiB above the imports")
    assert _results(folder) == _results(npz)
    assert grown < 1 << 20
