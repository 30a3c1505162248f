"""The LightningModule of recorded steps, and which trainings can be recorded. Imports Lightning: only when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ownmark.contracts.duel import Duel
from ownmark.contracts.fit import Recipe
from ownmark.contracts.samples import is_capturable
from ownmark.loops.callbacks import Report
from ownmark.loops.graphs import Job, Recorder
from ownmark.loops.module import check_finite

_BATCH_HOOKS = (
    "on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "on_before_backward", "on_after_backward",
    "on_before_optimizer_step",
)  # fmt: skip
"""Where a callback may look at, or change, what a recorded step does inside."""

WORTH = 20
"""Fewest steps of a training for which recording pays."""


class ReplayModule(pl.LightningModule):
    """Steps networks through a `Recorder`; callbacks reach the first as `pl_module.network`."""

    def __init__(self, network: nn.Module, recorder: Recorder, recipe: Recipe) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self._recorder = recorder
        self._recipe = recipe

    def training_step(self, indices: Sequence[Tensor], batch_idx: int) -> None:
        """One step on the samples at `indices`."""
        self._recorder.step(indices)

    def on_train_epoch_end(self) -> None:
        """Stop with a sentence instead of training on not-a-numbers."""
        for loss in self._recorder.losses:
            check_finite(loss, self.current_epoch, self._recipe)

    def configure_optimizers(self) -> None:
        """The optimisers are part of the recorded step."""

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Positions lie on the device already."""
        return batch


def steps_alone(job: Job, callbacks: Sequence[pl.Callback]) -> bool:
    """Whether nothing but the job itself has a part in its steps, so that a `Recorder` may take them.

    Optimisers that a callback or a rival brings, and callbacks that look at gradients, want Lightning's own step.
    """
    alone = not any(isinstance(term, Duel) for term in job.terms)
    return alone and job.recipe.optimizer != "rmsprop" and not any(map(_watches_batches, callbacks))


def why_not_recorded(job: Job) -> str:
    """Why a job's steps run from Python, each one; empty if they can be recorded."""
    if job.recipe.compile == "off":
        return "the recipe says compile: off"
    if job.steps < WORTH:
        return f"{job.steps} steps are too few to pay for recording one"
    if job.batches.read_from_files:
        return "the images are read from a file"
    functions: list[Callable[..., object]] = [*job.terms, *job.batches.transforms]
    for function in functions:
        if not is_capturable(function):
            return f"{getattr(function, '__qualname__', type(function).__name__)} is not declared capturable"
    return ""


def _watches_batches(callback: pl.Callback) -> bool:
    if isinstance(callback, Report):
        return False
    return any(getattr(type(callback), hook) is not getattr(pl.Callback, hook) for hook in _BATCH_HOOKS)
