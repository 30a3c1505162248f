"""The scheme that a plan nests: what is asked of it, and the data its triggers are taught with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, HostView, Key, Recipe, Samples, Scheme, Task, Transform
from ownmark.errors import NotApplicable
from ownmark_robust.config import HardenedConfig

PER_CLASS = 100
"""Images of each class in the trial task that stands for the owner's data before these are at hand."""


def check_trigger(trigger: Scheme, network: nn.Module, task: Task, wrapper: str) -> None:
    """Let the nested scheme look at the host, and try whether it draws triggers.

    Args:
        task: its owner's data may be missing; grey images stand for them then.

    Raises:
        NotApplicable: the scheme refuses the host, or draws no triggers.
    """
    trigger.check(network, task)
    require_triggers(_trial_key(trigger, task), wrapper)


def _trial_key(trigger: Scheme, task: Task) -> Key:
    if len(task.owner) == 0:
        count = PER_CLASS * task.classes
        x = torch.full((1, *task.shape), 0.5).expand(count, *task.shape)  # one image in memory
        task = replace(task, owner=Samples(x, torch.arange(count) % task.classes))
    return trigger.make_key(task, torch.Generator().manual_seed(0))


def require_triggers(key: Key, wrapper: str) -> None:
    """Raise `NotApplicable` unless the key holds inputs and the labels they are to get."""
    missing = [name for name in ("triggers", "labels") if name not in key.tensors]
    if missing:
        raise NotApplicable(
            f"{wrapper} teaches triggers, and a key of {key.scheme!r} has no {' and no '.join(missing)} before it is "
            "embedded; nest a scheme that draws its triggers, such as `content`"
        )


def wrapped_key(trigger: Scheme, task: Task, rng: torch.Generator, wrapper: str) -> Key:
    """The nested scheme's key under the wrapper's name; value `trigger` names the nested scheme."""
    key = trigger.make_key(task, rng)
    require_triggers(key, wrapper)
    return replace(key, scheme=wrapper).add(trigger=key.scheme)


def data(owner: Samples, key: Key, config: HardenedConfig) -> tuple[Samples, int]:
    """What the task's loss sees, and how many of its rows are clean; clean rows come first."""
    keep = torch.ones(len(owner), dtype=torch.bool, device=owner.device)
    if "carriers" in key.tensors:
        keep[key["carriers"].to(keep.device)] = False
    clean = owner.select(keep)
    if config.clean == "pure":
        return clean, len(clean)
    times = config.repeats
    return clean + Samples(key["triggers"].repeat(times, 1, 1, 1), key["labels"].repeat(times)), len(clean)


def unaugmented(samples: Samples, first: int) -> Transform:
    """A batch transform that gives rows from position `first` on their own pixels back."""

    def restore(batch: Batch, rng: torch.Generator) -> Batch:
        original = samples.select(batch.index.clamp(min=0).to(samples.device)).x.to(batch.x)
        return batch.with_images(torch.where((batch.index >= first)[:, None, None, None], original, batch.x))

    return restore


def begin(host: HostView, config: HardenedConfig, rng: torch.Generator) -> tuple[nn.Module, Recipe]:
    """The network that training starts from, and its recipe."""
    return (host.blank(rng), host.recipe) if config.start == "scratch" else (host.trained(), config.recipe)


def shown(key: Key, count: int = 8) -> dict[str, Tensor]:
    """The first triggers, for the report."""
    x = key["triggers"][:count]
    return {"triggers": x.clamp(0, 1)} if x.ndim == 4 and x.shape[1] in (1, 3) else {}
