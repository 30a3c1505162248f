"""Teaching triggers to noisy copies of a network, between the epochs of its training."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Samples
from ownmark_robust.certified.config import CertifiedConfig
from ownmark_robust.norms import statistics_of
from ownmark_robust.parameters import noisy, output_at, trained


def level_gradients(
    network: nn.Module, batch: Samples, sd: float, draws: int, rng: torch.Generator
) -> dict[str, Tensor]:
    """E_G grad L(theta + G, batch) with G ~ N(0, sd^2 I), the mean of `draws` draws: name -> gradient."""
    theta = trained(network, affine_too=True)
    total = {name: torch.zeros_like(value) for name, value in theta.items()}
    for _ in range(draws):
        loss = F.cross_entropy(output_at(network, noisy(theta, sd, rng), batch.x), batch.labels)
        for name, slope in zip(theta, torch.autograd.grad(loss, list(theta.values())), strict=True):
            total[name] += slope / draws
    return total


class Lessons(pl.Callback):
    """Before each epoch after the warm-up: for each batch of triggers and each noise level one optimiser step.

    The step's gradient is that level's share of the mean over levels (Eq. 9 of the APP paper). BatchNorm takes its
    statistics from the triggers and remembers none.
    """

    def __init__(self, triggers: Samples, config: CertifiedConfig, rng: torch.Generator) -> None:
        self._triggers = triggers
        self._config = config
        self._rng = rng

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Before an epoch's first step teach, with the training's own optimiser and its present rate.

        A hook of batches, since only those keep Lightning's optimisers where steps could be recorded.
        """
        if batch_idx > 0 or trainer.current_epoch < self._config.warmup:
            return
        network, optimizer = pl_module.network, trainer.optimizers[0]
        device = next(network.parameters()).device
        seed = int(torch.randint(2**62, (), generator=self._rng))
        rng = torch.Generator(device).manual_seed(seed)
        order = torch.randperm(len(self._triggers), generator=self._rng)
        count = -(-len(order) // self._config.batch_size)
        with torch.enable_grad():
            for index in torch.tensor_split(order, count):
                self._lesson(network, self._triggers.select(index).to(device), optimizer, rng)

    def _lesson(
        self, network: nn.Module, batch: Samples, optimizer: torch.optim.Optimizer, rng: torch.Generator
    ) -> None:
        config = self._config
        parameters = trained(network, affine_too=True)
        for level in range(config.levels + 1):
            sd = config.sigma * level / config.levels
            with statistics_of(network, None):
                slopes = level_gradients(network, batch, sd, config.draws, rng)
            for name, slope in slopes.items():
                parameters[name].grad = slope / (config.levels + 1)
            optimizer.step()
            optimizer.zero_grad()
