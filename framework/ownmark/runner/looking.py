"""A look at data before anything is trained on it: what cannot be right is refused, what is odd is noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ownmark.contracts.dataset import Images
from ownmark.contracts.samples import Samples
from ownmark.errors import DataError

_SLACK = 1e-4
_DARK = 1.5 / 255
"""What no training pixel exceeds after a second division by 255."""


def looked_at(images: Images, label: str) -> Images:
    """The images, with notes on what is odd about them.

    Args:
        label: of the dataset, for messages.

    Raises:
        DataError: pixels that are no numbers or lie outside [0, 1], or images that show nothing.
    """
    for name, part in (("training", images.train), ("test", images.test)):
        _require_pixels(part, f"dataset {label}: {name} images")
    dark = float(images.train.x.max()) if len(images.train) else 1.0
    if dark <= _DARK:
        raise DataError(
            f"dataset {label}: training images: expected pixels up to 1, found none above {dark:g}; they look as if "
            "they were divided by 255 twice"
        )
    return replace(images, notes=(*images.notes, *_odd(images)))


def _require_pixels(part: Samples, what: str) -> None:
    if not len(part) or not part.x.is_floating_point():
        return
    wrong = int((~torch.isfinite(part.x.flatten(1).sum(1))).sum())
    if wrong:
        raise DataError(
            f"{what}: expected numbers, found not-a-numbers or infinities in {wrong} of {len(part)}"
        )
    low, high = float(part.x.min()), float(part.x.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise DataError(
            f"{what}: expected pixels in 0..1, found {low:g}..{high:g}; divide by 255, or undo the normalisation, "
            "which belongs into the network"
        )
    if not bool(_varied(part.x).any()):
        raise DataError(
            f"{what}: each of the {len(part)} images has one value all over, so they show nothing"
        )


def _odd(images: Images) -> Iterator[str]:
    train, test = images.train, images.test
    shared = len(test) - int((~_among(test.x, train.x)).sum()) if _comparable(test.x, train.x) else 0
    if shared:
        yield (
            f"{shared} of {len(test)} test images are training images too, so what is measured on the test set is "
            "partly memory"
        )
    for name, part in (("training", train), ("test", test)):
        plain = int((~_varied(part.x)).sum()) if len(part) else 0
        if plain:
            yield f"{plain} of {len(part)} {name} images have one value all over"
    if train.y is not None and train.y.ndim == 1 and not train.y.is_floating_point():
        missing = sorted(set(range(images.classes)) - set(train.y.tolist()))
        if missing and images.classes <= 10_000:
            several = f" and {len(missing) - 3} further classes" if len(missing) > 3 else ""
            yield f"no training image of class {', '.join(map(str, missing[:3]))}{several}"


def _varied(x: Tensor) -> Tensor:
    """Which images have more than one value, [N]."""
    flat = x.flatten(1)
    return flat.amax(1) > flat.amin(1)


def _comparable(x: Tensor, others: Tensor) -> bool:
    return bool(len(x) and len(others)) and x.shape[1:] == others.shape[1:] and x.dtype == others.dtype


def _among(x: Tensor, others: Tensor) -> Tensor:
    """Which images [N] are, bit by bit, among others."""
    sums, other_sums = _summed(x), _summed(others)
    likely = others[torch.isin(other_sums, sums)]  # hashing all of a large training set would take seconds
    known = {image.numpy().tobytes() for image in likely.cpu().contiguous()}
    return torch.tensor([image.numpy().tobytes() in known for image in x.cpu().contiguous()])


def _summed(x: Tensor) -> Tensor:
    """A number for each image [N] that is the same for the same bits."""
    bits = x.contiguous().flatten(1)
    return bits.view(torch.int32).sum(1, dtype=torch.int64) if bits.dtype == torch.float32 else bits.sum(1)
