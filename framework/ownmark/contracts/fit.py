"""Training as methods see it: a recipe, loss terms, and the `Fit` that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
import torch.nn.functional as F
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from ownmark.config import Count, NonNegative, Rate, Real, Whole, configuration, to_plain
from ownmark.contracts.samples import Batch, Samples, Term, Transform, capturable

if TYPE_CHECKING:
    from pytorch_lightning import Callback


@configuration
class Recipe:
    """How a network is trained."""

    epochs: Whole = 30
    """Passes over the samples; 0 trains nothing."""
    batch_size: Count = 128
    """Images a step, at most; an epoch is cut into batches of equal size."""
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "sgd"
    """Optimiser."""
    lr: Rate = 0.1
    """Learning rate at the start (at the peak, for one-cycle)."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD; first beta of Adam."""
    nesterov: bool = False
    """Nesterov momentum (SGD)."""
    weight_decay: NonNegative = 5e-4
    """L2 penalty of every trained parameter."""
    schedule: Literal["constant", "steps", "every", "cosine", "one-cycle", "restarts"] = "steps"
    """How the rate changes: `steps` multiplies it by `factor` at each milestone, `every` after each `period` epochs;
    `restarts` goes down to 0 along a cosine and starts anew every `period` epochs (SGDR, Loshchilov & Hutter 2017)."""
    milestones: tuple[Real, ...] = (0.5, 0.75)
    """Fractions of the training at which `steps` acts."""
    factor: float = Field(default=0.1, gt=0, le=1)
    """What the rate is multiplied with."""
    period: Count = 5
    """Epochs between two changes of `every`, or two starts of `restarts`."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the forward pass; bfloat16 is autocast, weights stay float32."""
    channels_last: bool = True
    """Keep convolution weights and images in channels-last memory order."""
    augment: Literal["none", "crop", "crop-flip"] = "none"
    """Random views of the samples: zero-pad by an eighth and crop, with or without mirroring."""
    clip: NonNegative = 0.0
    """Largest gradient norm; 0 clips nothing."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target that the task loss spreads over all classes (Szegedy et al. 2016)."""
    compile: Literal["auto", "off"] = "auto"
    """`auto` records a training step on a CUDA device once and replays it, where loss terms and transforms allow it;
    `off` runs every step from Python. The same arithmetic either way; elsewhere than on CUDA it changes nothing."""

    def change(self, **changes: Any) -> Recipe:
        """This recipe with some fields changed."""
        return replace(self, **changes)


def overriding(default: Recipe, **presets: Recipe) -> BeforeValidator:
    """Validator that lays a plan's partial recipe over `default`: `recipe: {epochs: 3}` keeps everything else.

    Args:
        presets: recipes to start from instead: with `fast=...` a plan may say `recipe: {preset: fast, epochs: 3}`.
    """

    def merge(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        changes = {**value}
        name = changes.pop("preset", None)
        if name is not None and name not in presets:
            known = f"known: {', '.join(sorted(presets))}" if presets else "there are none here"
            raise ValueError(f"no recipe preset {name!r}; {known}")
        return {**to_plain(presets[name] if name else default), **changes}

    return BeforeValidator(merge)


@capturable
def cross_entropy(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """Mean cross entropy of the batch: the task loss of every classifier."""
    return F.cross_entropy(batch.output(network).float(), batch.labels)


def smoothed_cross_entropy(smoothing: float) -> Term:
    """`cross_entropy` against targets of which `smoothing` is spread evenly over all classes; itself at 0."""
    if smoothing == 0:
        return cross_entropy

    @capturable
    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return F.cross_entropy(batch.output(network).float(), batch.labels, label_smoothing=smoothing)

    return term


class Fit(Protocol):
    """Trains networks; the core hands one to whoever may train.

    A `Fit` belongs to one stage of one cell: it knows device, seed and the user's Lightning callbacks, counts the
    samples seen, and shows progress.
    """

    rng: torch.Generator
    """Randomness for whatever the method draws while it trains."""

    def __call__(
        self,
        network: nn.Module,
        samples: Samples,
        recipe: Recipe,
        *,
        terms: Sequence[Term] = (cross_entropy,),
        transforms: Sequence[Transform] = (),
        callbacks: Sequence[Callback] = (),
        trains: Callable[[str], bool] | None = None,
    ) -> nn.Module:
        """Train `network` in place and return it, in eval mode.

        Args:
            network: on any device; moved to the run's.
            samples: training data, each seen once an epoch; batches differ by one image at most.
            recipe: optimiser, schedule, epochs, precision.
            terms: summed into the loss.
            transforms: applied to each batch in this order, after the recipe's augmentation.
            callbacks: Lightning callbacks for what does not fit into a loss term (side optimisers, early stops).
            trains: chooses parameters by name; None trains all that require gradients.
        """
        ...
