"""Training that several schemes share, beyond plain poisoning."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Recipe, Samples, Transform, predictions
from ownmark_triggers.config import TriggerConfig


def learn(
    host: HostView, samples: Samples, config: TriggerConfig, fit: Fit, transforms: Sequence[Transform] = ()
) -> nn.Module:
    """Train from scratch with the host's recipe, or fine-tune the trained host, as `config.start` says.

    Args:
        transforms: follow the host's own.
    """
    scratch = config.start == "scratch"
    network = host.blank(fit.rng) if scratch else host.trained()
    recipe = host.recipe if scratch else config.recipe
    return fit(network, samples, recipe, terms=host.terms, transforms=(*host.transforms, *transforms))


def known(network: nn.Module, key: Key) -> Tensor:
    """Which triggers [N, C, H, W] the network labels as the key says: bool [N]."""
    return predictions(network, key["triggers"]) == key["labels"].to(key["triggers"].device)


def until_known(
    network: nn.Module,
    key: Key,
    samples: Samples,
    recipe: Recipe,
    fit: Fit,
    *,
    host: HostView,
    transforms: Sequence[Transform] = (),
) -> nn.Module:
    """Train on until all triggers are known, for at most `recipe.epochs`; PST's stop rule."""
    if recipe.epochs == 0 or bool(known(network, key).all()):
        return network
    from ownmark.loops.callbacks import StopWhen  # imports Lightning, which takes seconds

    return fit(
        network,
        samples,
        recipe,
        terms=host.terms,
        transforms=(*host.transforms, *transforms),
        callbacks=[StopWhen(lambda trained: bool(known(trained, key).all()))],
    )
