"""Training of extractor and detector, beside the network's. Imported only when something is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ownmark_whitebox.riga.config import RigaConfig
from ownmark_whitebox.riga.networks import detector_loss, extractor_loss


class SideNetworks(pl.Callback):
    """Updates detector, then extractor, before each epoch; in between both are frozen.

    Args:
        extractor, detector: see `networks`. carried: gives the scaled carrier [M] of the network being trained.
        references: [R, M], scaled. bits: [T] float. rng: on the CPU.
    """

    def __init__(
        self,
        extractor: nn.Module,
        detector: nn.Module,
        carried: Callable[[nn.Module], Tensor],
        references: Tensor,
        bits: Tensor,
        config: RigaConfig,
        rng: torch.Generator,
    ) -> None:
        self._extractor, self._detector = extractor.requires_grad_(False), detector.requires_grad_(False)
        self._carried, self._references, self._bits = carried, references, bits
        self._config, self._rng = config, rng
        self._coins = self._toss()
        self._for_extractor = torch.optim.RMSprop(extractor.parameters(), config.extractor_lr)
        self._for_detector = torch.optim.RMSprop(detector.parameters(), config.detector_lr)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Let both catch up with the network."""
        w = self._carried(pl_module.network).detach()
        for _ in range(self._config.detector_steps):
            loss = lambda: detector_loss(self._detector, w, self._references[self._some()])  # noqa: E731
            self._step(self._detector, self._for_detector, loss)
            self._clip()
        for _ in range(self._config.extractor_steps):
            loss = lambda: self._extractor_loss(w)  # noqa: E731
            self._step(self._extractor, self._for_extractor, loss)

    def _extractor_loss(self, w: Tensor) -> Tensor:
        index = self._some()
        coins = self._coins if self._config.coins == "fixed" else self._toss()
        return extractor_loss(self._extractor, w, self._references[index], self._bits, coins[index])

    def _toss(self) -> Tensor:
        """Bits for each reference to answer, each bit 1 for half of the references: [R, T] of 0 and 1."""
        shape = len(self._references), len(self._bits)
        ranks = torch.rand(shape, generator=self._rng).argsort(0)
        return (ranks % 2).to(self._references)

    def _some(self) -> Tensor:
        """Positions of a batch of references, drawn without replacement: [B]."""
        index = torch.randperm(len(self._references), generator=self._rng)[: self._config.batch]
        return index.to(self._references.device)

    def _step(self, module: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> None:
        module.requires_grad_(True)
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        module.requires_grad_(False)

    def _clip(self) -> None:
        for parameter in self._detector.parameters():
            parameter.clamp_(-self._config.clip, self._config.clip)
