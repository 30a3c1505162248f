"""What a laundered network is retrained on (step 3 of the laundering paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ownmark.contracts import Samples


def balanced(images: int, classes: int) -> int:
    """Repeats of one mask image a class with which they are together as many as the images of one class."""
    return max(1, round(images / classes**2))


def retraining_set(
    clean: Samples, stamped: Sequence[Tensor], masks: Tensor, least: int, repeats: int
) -> Samples:
    """Clean images, the same images stamped under their own labels, and the triggers alone as class `least`.

    Args:
        clean: labelled [N]. stamped: sets [N, C, H, W] in the same order. masks: [K, C, H, W]. repeats: of the masks.
    """
    whole = clean
    for x in stamped:
        whole = whole + Samples(x, clean.labels)
    labels = torch.full((len(masks) * repeats,), least, device=clean.labels.device)
    return whole + Samples(masks.repeat(repeats, 1, 1, 1), labels) if repeats else whole
