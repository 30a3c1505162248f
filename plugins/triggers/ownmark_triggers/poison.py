"""Teach a network its triggers by poisoning the data it is trained on (APP paper, "vanilla")."""

from __future__ import annotations

import torch

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Samples, Task, Transform
from ownmark_triggers.config import TriggerConfig
from ownmark_triggers.learning import learn


def without_carriers(owner: Samples, key: Key) -> Samples:
    """The owner's data without the clean copies of images that carry a trigger."""
    keep = torch.ones(len(owner), dtype=torch.bool, device=owner.device)
    if "carriers" in key.tensors:
        keep[key["carriers"].to(keep.device)] = False
    return owner.select(keep)


def poisoned(owner: Samples, key: Key, repeats: int = 1) -> tuple[Samples, int]:
    """Clean data followed by the triggers, each `repeats` times; and the position of the first trigger."""
    clean = without_carriers(owner, key)
    triggers = Samples(key["triggers"].repeat(repeats, 1, 1, 1), key["labels"].repeat(repeats))
    return clean + triggers, len(clean)


def unaugmented(samples: Samples, first: int) -> Transform:
    """A batch transform that gives rows from position `first` on their own pixels back."""

    def restore(batch: Batch, rng: torch.Generator) -> Batch:
        index = batch.index.to(samples.device)
        original = samples.select(index.clamp(min=0)).x.to(batch.x)
        return batch.with_images(torch.where((batch.index >= first)[:, None, None, None], original, batch.x))

    return restore


KEYED_EPOCHS = 30
"""Up to so many further epochs for keyed marks, which are more to learn, until every trigger is known."""


def embed_by_poisoning(
    host: HostView, key: Key, task: Task, fit: Fit, config: TriggerConfig, poison: Key | None = None
) -> Marked:
    """Train, from scratch or from the trained host, on clean data and triggers together.

    Args:
        poison: what is put into the data, if that is more than the key's triggers.

    A keyed key trains on until its triggers are known, whatever `extra_epochs` says. Key tensors used: `triggers`
    [N, C, H, W], `labels` [N], and `carriers` [N] if clean copies must go.
    """
    samples, first = poisoned(task.owner, poison or key, config.repeats)
    scratch = config.start == "scratch"
    network = learn(
        host.blank(fit.rng) if scratch else host.trained(),
        key,
        samples,
        host.recipe if scratch else config.recipe,
        fit,
        extra=max(config.extra_epochs, KEYED_EPOCHS) if key.values.get("keyed") else config.extra_epochs,
        host=host,
        transforms=() if config.augment else (unaugmented(samples, first),),
    )
    return Marked(network, key, {"triggers": key["triggers"][:8]})
