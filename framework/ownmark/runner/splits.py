"""Who holds which images: owner, attacker, test, transfer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark.contracts.dataset import Images
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import PIXELS, Form, Goal, Inputs, Shape
from ownmark.contracts.views import Task
from ownmark.errors import NotApplicable
from ownmark.methods import Need
from ownmark.runner.plan import Given, Split
from ownmark.runner.seeds import rng_for


@dataclass(frozen=True)
class Splits:
    """One dataset, divided once for all cells of a plan; owner, pool and unseen are disjoint."""

    owner: Samples
    pool: Samples
    test: Samples
    shape: Shape
    classes: int
    unseen: Samples
    inputs: Inputs = PIXELS

    def to(self, device: torch.device | str) -> Splits:
        """The same images there."""
        parts = {name: getattr(self, name).to(device) for name in ("owner", "pool", "test", "unseen")}
        return replace(self, **parts)


def divide(images: Images, split: Split) -> Splits:
    """Keep `reserve` of the training images for attackers (APP paper, section 4.1: 20 %), `unseen` for schemes."""
    count = len(images.train)
    order = torch.randperm(count, generator=rng_for("split", split.seed))
    owners = count - round(split.reserve * count)
    kept = max(1, round(split.unseen * count)) if split.unseen else 0
    parts = order[: owners - kept], order[owners:], order[owners - kept : owners]
    owner, pool, unseen = (images.train.select(part) for part in parts)
    return Splits(owner, pool, images.test, images.shape, images.classes, unseen, images.inputs)


def task_of(name: str, splits: Splits, needs: Collection[Need], goal: Goal = Goal.CLASSIFICATION) -> Task:
    """What a scheme with these needs is told of a task; the goal is that of the task's host."""
    unseen = splits.unseen if Need.UNSEEN in needs else None
    return Task(name, splits.shape, splits.classes, splits.owner, unseen, splits.inputs, goal)


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
            + (
                "raise split.reserve or lower attacker.data"
                if given.source != "owner"
                else "lower attacker.data"
            )
        )
    return count


def positions(splits: Splits, given: Given, rng: torch.Generator) -> Tensor:
    """Which images of the owner or the pool a threat model grants: int64 [count]."""
    source = splits.owner if given.source == "owner" else splits.pool
    count = amount(given, len(source), len(splits.owner))
    return torch.randperm(len(source), generator=rng)[:count]


def granted(splits: Splits, given: Given, rng: torch.Generator) -> Samples | None:
    """The in-distribution images a threat model grants, class-balanced draws left to chance; None if none."""
    source = splits.owner if given.source == "owner" else splits.pool
    index = positions(splits, given, rng)
    if len(index) == 0:
        return None
    chosen = source.select(index)
    return chosen if given.labels else chosen.unlabelled()


def fingerprint(index: Tensor) -> str:
    """SHA-256 of positions, whatever their order, as comma-separated decimals: whether two attackers held the same."""
    return hashlib.sha256(",".join(map(str, sorted(index.tolist()))).encode()).hexdigest()


def adapt(x: Tensor, shape: Shape) -> Tensor:
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


def transferable(images: Images, shape: Shape, inputs: Inputs) -> str:
    """Why inputs of another dataset cannot be brought into a task's shape; nothing if they can. Pixels always can."""
    if images.inputs.form is not inputs.form:
        return f"the transfer dataset has {images.inputs.form}, the task's inputs are {inputs.form}"
    if inputs.form is Form.PIXELS:
        return ""
    if images.shape != shape:
        return f"the transfer dataset has {inputs.form} of {list(images.shape)}, the task of {list(shape)}"
    if images.inputs.tokens > inputs.tokens:
        return f"the transfer dataset has {images.inputs.tokens} token ids, the task {inputs.tokens}"
    return ""


def transfer_set(
    images: Images, shape: Shape, count: int, rng: torch.Generator, inputs: Inputs = PIXELS
) -> Samples:
    """`count` unlabelled inputs of another dataset, in the task's shape.

    Raises:
        NotApplicable: there are fewer, or they cannot be brought into it.
    """
    if problem := transferable(images, shape, inputs):
        raise NotApplicable(problem)
    if count > len(images.train):
        raise NotApplicable(
            f"attacker.transfer is {count}, the transfer dataset has {len(images.train)} images"
        )
    index = torch.randperm(len(images.train), generator=rng)[:count]
    chosen = images.train.select(index).x
    return Samples(adapt(chosen, shape) if images.inputs.form is Form.PIXELS else chosen)
