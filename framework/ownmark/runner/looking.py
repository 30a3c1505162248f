"""A look at data before anything is trained on it: what cannot be right is refused, what is odd is noted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ownmark.contracts.dataset import Images
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Form
from ownmark.errors import DataError

_SLACK = 1e-4
_AT_ONCE = 512
"""Images."""
_DARK = 1.5 / 255
"""What no training pixel exceeds after a second division by 255."""


def looked_at(images: Images, label: str) -> Images:
    """The images, with notes on what is odd about them.

    Args:
        label: of the dataset, for messages.

    Raises:
        DataError: pixels that are no numbers or lie outside [0, 1], or images that show nothing; inputs of another form
            that are not of it; labels that are no classes.
    """
    _require_classes(images, label)
    if images.inputs.form is not Form.PIXELS:
        _require_form(images, label)
        return images
    looks = {"training": _look(images.train), "test": _look(images.test)}
    for name, seen in looks.items():
        _require_pixels(seen, f"dataset {label}: {name} images")
    dark = looks["training"].high if len(images.train) else 1.0
    if dark <= _DARK:
        raise DataError(
            f"dataset {label}: training images: expected pixels up to 1, found none above {dark:g}; they look as if "
            "they were divided by 255 twice"
        )
    return replace(images, notes=(*images.notes, *_odd(images, looks)))


def _require_classes(images: Images, label: str) -> None:
    """One label an input is a whole number below the number of classes; captions are left alone."""
    for name, part in (("training", images.train), ("test", images.test)):
        if part.y is None or part.y.ndim != 1 or not len(part.y):
            continue
        if part.y.is_floating_point():
            raise DataError(f"dataset {label}: {name} labels: expected whole numbers, found {part.y.dtype}")
        low, high = int(part.y.min()), int(part.y.max())
        if low < 0 or high >= images.classes:
            raise DataError(
                f"dataset {label}: {name} labels: expected 0 to {images.classes - 1}, since it says {images.classes} "
                f"classes, found {low} to {high}"
            )


def _require_form(images: Images, label: str) -> None:
    """Inputs of another form are what they are said to be, some at a time."""
    for name, part in (("training", images.train), ("test", images.test)):
        for rows in torch.split(torch.arange(len(part)), _AT_ONCE) if len(part) else ():
            if fault := images.inputs.fault(part.select(rows).x):
                raise DataError(f"dataset {label}: {name} inputs: {fault}")


@dataclass
class _Look:
    """What a look at a set found.

    Args:
        count: images. wrong: those with not-a-numbers or infinities. low, high: of all pixels. plain: images with one
            value all over. sums: of each image [N], the same for the same bits. floating: whether pixels are floats.
    """

    count: int
    wrong: int = 0
    low: float = math.inf
    high: float = -math.inf
    plain: int = 0
    sums: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    floating: bool = True


def _look(part: Samples) -> _Look:
    """Look at all images, some at a time: a set may be larger than memory."""
    found, sums = _Look(len(part)), []
    for rows in torch.split(torch.arange(len(part)), _AT_ONCE) if len(part) else ():
        x = part.select(rows).x
        flat = x.flatten(1)
        found.floating = x.is_floating_point()
        found.wrong += int((~torch.isfinite(flat.sum(1))).sum()) if found.floating else 0
        found.low, found.high = min(found.low, float(x.min())), max(found.high, float(x.max()))
        found.plain += int((flat.amax(1) <= flat.amin(1)).sum())
        sums.append(_summed(x))
    found.sums = torch.cat(sums) if sums else found.sums
    return found


def _require_pixels(seen: _Look, what: str) -> None:
    if not seen.count or not seen.floating:
        return
    if seen.wrong:
        raise DataError(
            f"{what}: expected numbers, found not-a-numbers or infinities in {seen.wrong} of {seen.count}"
        )
    if seen.low < -_SLACK or seen.high > 1 + _SLACK:
        raise DataError(
            f"{what}: expected pixels in 0..1, found {seen.low:g}..{seen.high:g}; divide by 255, or undo the "
            "normalisation, which belongs into the network"
        )
    if seen.plain == seen.count:
        raise DataError(
            f"{what}: each of the {seen.count} images has one value all over, so they show nothing"
        )


def _odd(images: Images, looks: Mapping[str, _Look]) -> Iterator[str]:
    train, test = images.train, images.test
    shared = _shared(images, looks)
    if shared:
        yield (
            f"{shared} of {len(test)} test images are training images too, so what is measured on the test set is "
            "partly memory"
        )
    for name, seen in looks.items():
        if seen.plain:
            yield f"{seen.plain} of {seen.count} {name} images have one value all over"
    if train.y is not None and train.y.ndim == 1 and not train.y.is_floating_point():
        missing = sorted(set(range(images.classes)) - set(train.y.tolist()))
        if missing and images.classes <= 10_000:
            several = f" and {len(missing) - 3} further classes" if len(missing) > 3 else ""
            yield f"no training image of class {', '.join(map(str, missing[:3]))}{several}"


def _shared(images: Images, looks: Mapping[str, _Look]) -> int:
    """How many test images are, bit by bit, among the training images."""
    train, test, sums = images.train, images.test, {name: seen.sums for name, seen in looks.items()}
    if not len(train) or not len(test) or train.shape != test.shape:
        return 0
    if looks["training"].floating != looks["test"].floating:
        return 0
    known: set[bytes] = set()  # of the likely ones: hashing all of a large training set would take seconds
    for image in _each(train, torch.isin(sums["training"], sums["test"])):
        known.add(image)
    return sum(image in known for image in _each(test, torch.isin(sums["test"], sums["training"])))


def _each(part: Samples, chosen: Tensor) -> Iterator[bytes]:
    """Digests of the chosen images' bytes."""
    for rows in torch.split(chosen.nonzero()[:, 0], _AT_ONCE) if bool(chosen.any()) else ():
        for image in part.select(rows).x.cpu().contiguous():
            yield hashlib.sha256(image.numpy().tobytes()).digest()


def _summed(x: Tensor) -> Tensor:
    """A number for each image [N] that is the same for the same bits."""
    bits = x.contiguous().flatten(1)
    return bits.view(torch.int32).sum(1, dtype=torch.int64) if bits.dtype == torch.float32 else bits.sum(1)
