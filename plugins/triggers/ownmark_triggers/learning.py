"""Training on until the mark is there, and training without poisoned data."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Recipe, Samples, Transform, predictions


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

    Args:
        recipe: that trained the network so far; a tenth of its rate is used, held constant. One of no epochs trains
            nothing here either.
        epochs: at most so many. transforms: follow the host's own.
    """
    if epochs == 0 or recipe.epochs == 0 or bool(known(network, key).all()):
        return network
    from ownmark.loops.callbacks import StopWhen  # imports Lightning, which takes seconds

    return fit(
        network,
        samples,
        recipe.change(epochs=epochs, lr=recipe.lr / 10, schedule="constant"),
        terms=host.terms,
        transforms=(*host.transforms, *transforms),
        callbacks=[StopWhen(lambda trained: bool(known(trained, key).all()))],
    )


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
