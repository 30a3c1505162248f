"""Masks and rewinding while a network is trained. Imported only then, as Lightning takes seconds."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ownmark_whitebox.lottery.masks import Masks


def apply_masks(network: nn.Module, masks: Masks) -> None:
    """Set the weights of named convolutions to zero where they do not live."""
    with torch.no_grad():
        for name, mask in masks.items():
            weight: Tensor = network.get_submodule(name).weight  # type: ignore[assignment]
            weight.masked_fill_(~mask.to(weight.device), 0)


class KeepMasks(pl.Callback):
    """Applies masks again after each step."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Zero what the step has moved."""
        apply_masks(pl_module.network, self._masks)


class Remember(pl.Callback):
    """Keeps a copy of the network's state after so many epochs; of the last, if there are fewer."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self.state: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Copy the state, unless it was copied long ago."""
        if trainer.current_epoch < self._epochs:
            self.state = {
                name: value.detach().clone() for name, value in pl_module.network.state_dict().items()
            }
