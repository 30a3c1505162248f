"""Lightning callbacks that methods and the core share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from torch import nn

from ownmark.contracts.views import evaluating


class StopWhen(pl.Callback):
    """Stop as soon as `condition(network)`, asked after every epoch in eval mode, holds."""

    def __init__(self, condition: Callable[[nn.Module], bool]) -> None:
        self._condition = condition

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Ask the condition."""
        with evaluating(pl_module.network) as network:
            trainer.should_stop = trainer.should_stop or self._condition(network)


class Report(pl.Callback):
    """Tells `progress(step, steps)` how far the training is."""

    def __init__(self, progress: Callable[[int, int], None], steps: int) -> None:
        self._progress = progress
        self._steps = steps
        self._done = 0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Pass on the number of finished steps."""
        self._done += 1
        self._progress(self._done, self._steps)
