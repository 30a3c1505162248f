"""Lightning callbacks of the pack. Imported only when something is trained, as Lightning takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch


class SideOptimizer(pl.Callback):
    """Steps another optimiser after each backward pass, over tensors that loss terms use beside the network.

    Args:
        optimizer: holds the tensors. after: called after each step, to bring them back to where they may be.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, after: Callable[[], object] | None = None) -> None:
        self._optimizer = optimizer
        self._after = after

    def on_after_backward(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Step, and forget the gradients."""
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._after is not None:
            self._after()
