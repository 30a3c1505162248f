"""`Fitter`, the `Fit` that the runner hands to hosts, schemes and attacks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ownmark.contracts.fit import Recipe, cross_entropy
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.views import seeded
from ownmark.loops.augment import augmentation
from ownmark.loops.batches import Batches

if TYPE_CHECKING:
    import pytorch_lightning as pl


class Fitter:
    """Trains networks on one device with Lightning's Trainer.

    Args:
        device: where networks are trained. rng: on the CPU; everything random in training follows from it.
        callbacks, logger: the user's own Lightning objects, from the plan.
        progress: told (step, steps) while a network is trained.
    """

    def __init__(
        self,
        device: torch.device,
        rng: torch.Generator,
        *,
        callbacks: Sequence[pl.Callback] = (),
        logger: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.rng = rng
        self.samples_seen = 0
        self._device = device
        self._callbacks = tuple(callbacks)
        self._logger = logger
        self._progress = progress

    def __call__(
        self,
        network: nn.Module,
        samples: Samples,
        recipe: Recipe,
        *,
        terms: Sequence[Term] = (cross_entropy,),
        transforms: Sequence[Transform] = (),
        callbacks: Sequence[pl.Callback] = (),
        trains: Callable[[str], bool] | None = None,
    ) -> nn.Module:
        """See `ownmark.contracts.fit.Fit`."""
        network = network.to(self._device)
        if recipe.epochs == 0 or len(samples) == 0:
            return network.eval()
        every = (*augmentation(recipe), *transforms)
        batches = Batches(samples.to(self._device), recipe.batch_size, every, self._device_rng())
        with _only(network, trains), seeded(self.rng), _quiet():
            self._train(network, batches, recipe, terms, callbacks)
        self.samples_seen += batches.seen
        return network.to(self._device).to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload, no-any-return]

    def _train(
        self,
        network: nn.Module,
        batches: Batches,
        recipe: Recipe,
        terms: Sequence[Term],
        callbacks: Sequence[pl.Callback],
    ) -> None:
        from ownmark.loops.callbacks import Report
        from ownmark.loops.module import FitModule

        steps = recipe.epochs * len(batches)
        module = FitModule(network.train(), terms, recipe, steps)
        if recipe.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        reporters = [Report(self._progress, steps)] if self._progress else []
        trainer = self._trainer(recipe, [*self._callbacks, *callbacks, *reporters])
        trainer.fit(module, train_dataloaders=batches)

    def _trainer(self, recipe: Recipe, callbacks: list[pl.Callback]) -> pl.Trainer:
        import pytorch_lightning as pl

        on_cuda = self._device.type == "cuda"
        return pl.Trainer(
            accelerator="gpu" if on_cuda else "cpu",
            devices=[self._device.index or 0] if on_cuda else 1,
            precision="bf16-mixed" if recipe.precision == "bfloat16" else "32-true",
            max_epochs=recipe.epochs,
            gradient_clip_val=recipe.clip or None,
            callbacks=callbacks,
            logger=self._logger or False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )

    def _device_rng(self) -> torch.Generator:
        seed = int(torch.randint(2**62, (), generator=self.rng))
        return torch.Generator(self._device).manual_seed(seed)


@contextmanager
def _only(network: nn.Module, trains: Callable[[str], bool] | None) -> Iterator[None]:
    """Let only the chosen parameters require gradients for the block."""
    former = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    parameters = dict(network.named_parameters())
    for name, parameter in parameters.items():
        parameter.requires_grad_(former[name] and (trains is None or trains(name)))
    try:
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.requires_grad_(former[name])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's tips and device banners out of the user's terminal."""
    import pytorch_lightning  # noqa: F401  (its import sets the level of its logger)

    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            yield
    finally:
        logger.setLevel(level)
