"""Checks of datasets, where their files are on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from ownmark.contracts import Form, Samples
from ownmark.discovery.sealing import sealed
from ownmark.methods import Kind
from ownmark.testing.check import Inapplicable, check, require
from ownmark.testing.states import ambient, disturbed, listed, samples_digest, stirred
from ownmark.testing.subject import Subject


def _rows(samples: Samples) -> set[bytes]:
    return {image.numpy().tobytes() for image in samples.x}


@check(Kind.DATASET)
def dataset_gives_pixels(subject: Subject) -> None:
    """Images are float32 [N, C, H, W] in [0, 1], other inputs what they are said to be; train and test of one shape."""
    images = subject.images
    same = images.train.shape == images.test.shape
    require(same, f"{subject.label}: train and test images differ in shape")
    for name, part in (("train", images.train), ("test", images.test)):
        x = part.x
        if images.inputs.form is not Form.PIXELS:
            fault = images.inputs.fault(x) or ("" if len(x) else "there are none")
            require(not fault, f"{subject.label}: {name}: {fault}")
            continue
        fits = x.dtype == torch.float32 and x.ndim == 4 and len(x) > 0 and x.device.type == "cpu"
        require(fits, f"{subject.label}: {name} is {x.dtype} {list(x.shape)}; give float32 [N, C, H, W]")
        low, high = float(x.min()), float(x.max())
        require(
            0 <= low <= high <= 1, f"{subject.label}: {name} pixels from {low:g} to {high:g}; scale to [0, 1]"
        )


@check(Kind.DATASET)
def dataset_labels_are_in_range(subject: Subject) -> None:
    """Integer labels run from 0 to classes - 1, and training shows every one of them."""
    images = subject.images
    for name, part in (("train", images.train), ("test", images.test)):
        require(part.y is not None, f"{subject.label}: {name} has no labels")
        y = part.labels
        if y.ndim > 1:
            raise Inapplicable("its labels are not one class an image")
        inside = y.dtype == torch.int64 and int(y.min()) >= 0 and int(y.max()) < images.classes
        require(inside, f"{subject.label}: {name} labels must be int64 in 0..{images.classes - 1}")
    missing = sorted(set(range(images.classes)) - set(images.train.labels.tolist()))
    require(
        not missing,
        f"{subject.label}: no training image of class {listed(map(str, missing))}; mend `classes`",
    )


@check(Kind.DATASET)
def dataset_keeps_test_apart(subject: Subject) -> None:
    """Train and test share no memory, and at most one test image in fifty is in training too."""
    images = subject.images
    shared = images.train.pixels.shares_memory(images.test.pixels)
    require(not shared, f"{subject.label}: train and test are views of one tensor; copy them")
    test = _rows(images.test)
    common = len(test & _rows(images.train)) / len(test)
    require(
        common <= 0.02,
        f"{subject.label}: {common:.0%} of the test images are training images; split properly",
    )


@check(Kind.DATASET)
def dataset_loads_the_same_twice(subject: Subject) -> None:
    """All loads give the same bytes whatever the global random state, which they leave alone."""
    first, before = subject.images, ambient()
    second = subject.instance.load()
    harmed = disturbed(before)
    require(
        not harmed, f"{subject.label}: loading changes {listed(harmed)}; draw from a generator of your own"
    )
    with stirred():
        third = subject.build().load()
    same = len({samples_digest(one.train, one.test) for one in (first, second, third)}) == 1
    require(same, f"{subject.label}: loads differ; take a fixed seed and a fixed order of files")


@check(Kind.DATASET, thorough=True)
def dataset_fingerprint_follows_the_data(subject: Subject) -> None:
    """Where images come from a file, a change of the file changes the fingerprint."""
    assert subject.images  # skips the check where the data are not here
    with sealed("it", strict=False) as seal:
        assert subject.build().load()
    opened = [one for one in seal.reached if one.startswith("opens")]
    found = subject.instance.fingerprint()
    require(
        found or not opened,
        f"{subject.label} {opened[0] if opened else ''} and has no fingerprint; without one, new data "
        "are answered with old results. Return a hash of the files, or of their sizes and times",
    )
    for name, value in subject.declaration.smoke.items():
        if isinstance(value, str) and Path(value).is_file():
            _require_another(subject, name, Path(value), found)


def _require_another(subject: Subject, name: str, path: Path, found: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / path.name
        changed.write_bytes(path.read_bytes() + b"0")
        other = subject.build(**{name: str(changed)}).fingerprint()
    require(
        other != found,
        f"{subject.label}: its fingerprint is {found!r} whatever the file holds; hash the file",
    )


@check(Kind.DATASET)
def dataset_fingerprint_is_stable(subject: Subject) -> None:
    """Instances with equal arguments have one fingerprint, also after loading."""
    assert subject.images
    first, second = subject.instance.fingerprint(), subject.build().fingerprint()
    require(isinstance(first, str), f"{subject.label}: its fingerprint is {type(first).__name__}, not text")
    require(first == second, f"{subject.label}: its fingerprint changes from one instance to the next")
