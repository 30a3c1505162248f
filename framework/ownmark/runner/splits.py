"""Who holds which images: owner, attacker, test, transfer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts.dataset import Images
from ownmark.contracts.samples import Samples
from ownmark.errors import NotApplicable
from ownmark.runner.plan import Given, Split
from ownmark.runner.seeds import rng_for


@dataclass(frozen=True)
class Splits:
    """One dataset, divided once for all cells of a plan; owner and pool are disjoint."""

    owner: Samples
    pool: Samples
    test: Samples
    shape: tuple[int, int, int]
    classes: int


def divide(images: Images, split: Split) -> Splits:
    """Keep `reserve` of the training images for attackers (APP paper, section 4.1: 20 %)."""
    count = len(images.train)
    order = torch.randperm(count, generator=rng_for("split", split.seed))
    owners = count - round(split.reserve * count)
    owner, pool = images.train.select(order[:owners]), images.train.select(order[owners:])
    return Splits(owner, pool, images.test, images.shape, images.classes)


def amount(given: Given, available: int, of: int) -> int:
    """Number of in-distribution images that a threat model grants.

    Args:
        available: images to draw from. of: size of the owner's training set, what fractions refer to.

    Raises:
        NotApplicable: more than there are.
    """
    if given.data == "none":
        return 0
    if given.data == "all":
        return available
    count = round(given.data * of) if isinstance(given.data, float) else int(given.data)
    if count > available:
        raise NotApplicable(
            f"the attacker is given {count} images, but only {available} are there from source {given.source!r}; "
            "raise split.reserve or lower attacker.data"
        )
    return count


def granted(splits: Splits, given: Given, rng: torch.Generator) -> Samples | None:
    """The in-distribution images a threat model grants, class-balanced draws left to chance; None if none."""
    source = splits.owner if given.source == "owner" else splits.pool
    count = amount(given, len(source), len(splits.owner))
    if count == 0:
        return None
    chosen = source.select(torch.randperm(len(source), generator=rng)[:count])
    return chosen if given.labels else chosen.unlabelled()


def adapt(x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Other images in the task's channels and size: luma for grey, repetition for colour, bicubic for the size.

    Args:
        x: [N, C, H, W] in [0, 1]. shape: wanted (channels, height, width).
    """
    channels, height, width = shape
    if x.shape[1] == 3 and channels == 1:
        x = (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    elif x.shape[1] == 1 and channels > 1:
        x = x.expand(-1, channels, -1, -1)
    if x.shape[2:] != (height, width):
        x = F.interpolate(x, (height, width), mode="bicubic", antialias=True).clamp(0, 1)
    return x.contiguous()


def transfer_set(images: Images, shape: tuple[int, int, int], count: int, rng: torch.Generator) -> Samples:
    """`count` unlabelled images of another dataset, in the task's shape."""
    if count > len(images.train):
        raise NotApplicable(
            f"attacker.transfer is {count}, the transfer dataset has {len(images.train)} images"
        )
    index = torch.randperm(len(images.train), generator=rng)[:count]
    return Samples(adapt(images.train.select(index).x, shape))
