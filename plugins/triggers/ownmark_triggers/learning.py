"""Training on until the mark is there, and training without poisoned data."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Recipe, Samples, Transform, capturable, predictions


def known(network: nn.Module, key: Key) -> Tensor:
    """Which triggers [N, C, H, W] the network labels as the key says: bool [N]."""
    found = predictions(network, key["triggers"])
    return found == key["labels"].to(found.device)


def until_known(
    network: nn.Module,
    key: Key,
    samples: Samples,
    recipe: Recipe,
    fit: Fit,
    *,
    epochs: int,
    host: HostView,
    transforms: Sequence[Transform] = (),
) -> nn.Module:
    """Train on until all triggers are known: the stop rule of the PST paper.

    In every epoch the rate goes down to 0, so that the network has settled when it is asked. At a constant rate the
    first epoch that knows all triggers is one in which the network favours their label (4,000 photographs, `badnets`:
    35.9 % accuracy, 43.3 % once it settles).

    Args:
        recipe: that trained the network so far; a tenth of its rate is used. One of no epochs trains nothing here
            either.
        epochs: at most so many. transforms: follow the host's own.
    """
    if epochs == 0 or recipe.epochs == 0 or bool(known(network, key).all()):
        return network
    from ownmark.loops.callbacks import StopWhen  # imports Lightning, which takes seconds

    return fit(
        network,
        samples,
        recipe.change(epochs=epochs, lr=recipe.lr / 10, schedule="restarts", period=1),
        terms=host.terms,
        transforms=(*host.transforms, *transforms),
        callbacks=[StopWhen(lambda trained: bool(known(trained, key).all()))],
    )


def some(key_images: Samples, batch: Batch, per_batch: float, rng: torch.Generator) -> Samples:
    """Key images for a batch, distinct, in random order: `per_batch` of its size, at least 2."""
    count = min(len(key_images), max(2, round(per_batch * len(batch.x))))
    return key_images.select(torch.randperm(len(key_images), generator=rng, device=rng.device)[:count])


def shown(key_images: Samples, per_batch: float) -> Transform:
    """A batch transform that appends key images, `per_batch` of the batch's size."""

    @capturable
    def append(batch: Batch, rng: torch.Generator) -> Batch:
        return batch.append(some(key_images, batch, per_batch, rng))

    return append


def learn(
    network: nn.Module,
    key: Key,
    samples: Samples,
    recipe: Recipe,
    fit: Fit,
    *,
    extra: int,
    host: HostView,
    transforms: Sequence[Transform] = (),
) -> nn.Module:
    """Train with `recipe`, then for up to `extra` epochs until the key's triggers are known."""
    fit(network, samples, recipe, terms=host.terms, transforms=(*host.transforms, *transforms))
    return until_known(network, key, samples, recipe, fit, epochs=extra, host=host, transforms=transforms)
