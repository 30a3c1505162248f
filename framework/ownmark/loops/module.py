"""The one LightningModule. Imported only when something is trained, since Lightning takes seconds to import."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import PassThroughProfiler
from torch import Tensor, nn

from ownmark.contracts.duel import Duel
from ownmark.contracts.fit import Recipe
from ownmark.contracts.samples import Batch, Term
from ownmark.errors import TrainingDiverged
from ownmark.loops.schedule import optimizer, rate_factor


def check_finite(loss: Tensor, epoch: int, recipe: Recipe) -> None:
    """Refuse a loss that is no number.

    Args:
        epoch: counted from 0.

    Raises:
        TrainingDiverged: with the sentence that helps.
    """
    if not torch.isfinite(loss):
        raise TrainingDiverged(
            f"the loss became {loss.item()} in epoch {epoch + 1}; "
            f"lower the learning rate ({recipe.lr:g}) or the strength of the added terms"
        )


class NoProfiler(PassThroughProfiler):
    """Profiles nothing in less time than Lightning's own, which makes a generator for each of some 40 calls a step."""

    def profile(self, action_name: str) -> Any:
        """A context that does nothing."""
        return _NOTHING


_NOTHING = contextlib.nullcontext()


class FitModule(pl.LightningModule):
    """Minimises the sum of the loss terms.

    Nobody subclasses it: what a method adds comes as a term, a batch transform or a callback. Callbacks reach the
    network being trained as `pl_module.network`.
    """

    def __init__(
        self, network: nn.Module, terms: Sequence[Term], recipe: Recipe, steps: int, logs: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self._duels = tuple(term for term in terms if isinstance(term, Duel))
        self.rivals = nn.ModuleList(duel.rival(network) for duel in self._duels)
        self.automatic_optimization = not self._duels
        self._terms = tuple(self._bound(term) for term in terms)
        self._recipe = recipe
        self._steps = steps
        self._logs = logs
        self._loss: Tensor | None = None

    def _bound(self, term: Term) -> Term:
        """The term; a duel with its rival."""
        if not isinstance(term, Duel):
            return term
        return functools.partial(term.play, self.rivals[self._duels.index(term)])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Sum of the terms on one batch; with rivals, the whole step."""
        if self._recipe.channels_last and batch.x.ndim == 4:
            batch.x = batch.x.contiguous(memory_format=torch.channels_last)
        if self._duels:
            self._fight(batch)
            return None
        return self._summed(batch, self.global_step)

    def _fight(self, batch: Batch) -> None:
        """A step of each rival, then one of the network; Lightning counts the steps of all of them."""
        own, *others = self._players()
        step = self.global_step // (1 + len(others))
        for duel, rival, player in zip(self._duels, self.rivals, others, strict=True):
            self._learn(*player, functools.partial(duel.resist, rival, self.network, batch, step))
        for parameter in self.rivals.parameters():
            parameter.requires_grad_(False)
        self._learn(*own, lambda: self._summed(batch, step))
        for parameter in self.rivals.parameters():
            parameter.requires_grad_(True)

    def _players(self) -> list[tuple[Any, Any]]:
        """Optimiser and schedule of the network and of each rival."""
        optimizers, schedules = self.optimizers(), self.lr_schedulers()
        return list(zip(optimizers, schedules, strict=True))  # type: ignore[arg-type]

    def _learn(self, optimizer: Any, schedule: Any, loss: Callable[[], Tensor]) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss())
        if self._recipe.clip:
            self.clip_gradients(optimizer, self._recipe.clip)
        optimizer.step()
        schedule.step()

    def _summed(self, batch: Batch, step: int) -> Tensor:
        loss = functools.reduce(torch.add, [term(self.network, batch, step).float() for term in self._terms])
        self._loss = loss.detach()
        if self._logs:
            self.log("loss", self._loss, batch_size=len(batch.x))
        return loss

    def on_train_epoch_end(self) -> None:
        """Stop with a sentence instead of training on not-a-numbers."""
        if self._loss is not None:
            check_finite(self._loss, self.current_epoch, self._recipe)

    # Lightning inspects the step's signature before each batch; a signature at hand saves it the work.
    training_step.__signature__ = inspect.signature(training_step)  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: Any) -> None:
        """As ever, but quick for the name of the running hook, which Lightning notes dozens of times a step."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser over all that requires gradients, its rate set at every step; one for each player."""
        factor: Callable[[int], float] = lambda step: rate_factor(self._recipe, step, self._steps)  # noqa: E731
        found = []
        for player in (self.network, *self.rivals):
            chosen = optimizer(self._recipe, (p for p in player.parameters() if p.requires_grad))
            schedule = torch.optim.lr_scheduler.LambdaLR(chosen, factor)
            found.append({"optimizer": chosen, "lr_scheduler": {"scheduler": schedule, "interval": "step"}})
        return found if self._duels else found[0]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Batches are cut on the device already."""
        return batch
