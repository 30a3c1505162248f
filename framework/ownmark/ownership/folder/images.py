"""Images that a key was drawn from, beside the key: fresh keys are drawn from the same ones.

A mark names its dataset, which says where the images are. Those that were objects of a process are nowhere afterwards,
so they are kept: a byte a pixel where that is exact, else as floats.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ownmark.contracts.pixels import LEVELS, floats
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Shape
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile
from ownmark.hashing import sha256_of
from ownmark.ownership.folder.places import inside

IMAGES = "images.safetensors"
_PART = 1024


def write_images(folder: Path, samples: Samples) -> str:
    """Write labelled images, readable by their owner only; the file's SHA-256."""
    path = folder / IMAGES
    write_tensors(
        path, {"x": _bytes_or_same(samples.x.cpu()), "y": samples.labels.cpu()}, {"ownmark": "images"}
    )
    path.chmod(0o600)
    return sha256_of(path)


def _bytes_or_same(x: Tensor) -> Tensor:
    """Images as bytes if these say the same, else as they are; a part at a time, as there may be many."""
    if x.dtype == torch.uint8:
        return x
    levels = torch.empty(x.shape, dtype=torch.uint8)
    for part, found in zip(torch.split(x, _PART), torch.split(levels, _PART), strict=True):
        found.copy_((part * LEVELS).round_().clamp_(0, LEVELS))
        if not torch.equal(floats(found), part):
            return x
    return levels


def read_images(folder: Path, known: str, shape: Shape, classes: int) -> Samples:
    """What `write_images` wrote.

    Args:
        known: its SHA-256. shape, classes: of the mark's task.

    Raises:
        UntrustedFile: the file is missing, another one, or holds no images of the task.
    """
    path = inside(folder, IMAGES)
    tensors, _ = read_tensors(path, "images")
    if sha256_of(path) != known:
        raise UntrustedFile(f"{path}: was changed since the mark was saved")
    x, y = tensors.get("x"), tensors.get("y")
    if x is None or y is None or x.dtype not in (torch.uint8, torch.float32) or y.dtype != torch.int64:
        raise UntrustedFile(f"{path}: incomplete or altered")
    if (
        not len(x)
        or x.shape[1:] != shape
        or y.shape != x.shape[:1]
        or not bool(((y >= 0) & (y < classes)).all())
    ):
        raise UntrustedFile(f"{path}: its images are not those of the task in model.json")
    if x.dtype == torch.float32 and not bool(((x >= 0) & (x <= 1)).all()):
        raise UntrustedFile(f"{path}: pixels lie in [0, 1], these do not")
    return Samples(x, y)
