"""Names in keys that mean one thing to everybody, so that one pack's extractor can read another pack's scheme.

A key may hold whatever else its scheme needs; what goes by one of these names is this.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ownmark.contracts.key import Key

FIELDS: dict[str, str] = {
    "triggers": "images [n, C, H, W] that the suspect is asked about, float32 in [0, 1], or token ids int64 [n, L]",
    "labels": "what it has to answer, int64 [n], one for each of `triggers`",
    "bits": "the message, uint8 [n] of zeros and ones",
}
"""Tensor name -> what it is."""


def faults(key: Key) -> Iterator[str]:
    """What in a key is called by one of these names and is something else."""
    tensors = key.tensors
    images, labels, bits = (tensors.get(name) for name in ("triggers", "labels", "bits"))
    if images is not None and not _is_images(images) and not _is_text(images):
        yield f"`triggers` is {_said(images)}; it has to be {FIELDS['triggers']}"
    if labels is not None and (labels.dtype != torch.int64 or labels.ndim != 1):
        yield f"`labels` is {_said(labels)}; it has to be {FIELDS['labels']}"
    elif labels is not None and images is not None and len(labels) != len(images):
        yield f"{len(images)} `triggers` and {len(labels)} `labels`"
    if bits is not None and not (bits.dtype == torch.uint8 and bits.ndim == 1 and bool((bits <= 1).all())):
        yield f"`bits` is {_said(bits)}; it has to be {FIELDS['bits']}"


def _is_images(images: Tensor) -> bool:
    inside = images.dtype == torch.float32 and images.ndim == 4
    return inside and bool((images >= 0).all()) and bool((images <= 1).all())


def _is_text(triggers: Tensor) -> bool:
    return triggers.dtype == torch.int64 and triggers.ndim == 2 and bool((triggers >= 0).all())


def _said(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
