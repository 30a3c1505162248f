"""`Fitter`, the `Fit` that the runner hands to hosts, schemes and attacks."""

from __future__ import annotations

import logging
import signal
import threading
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
from ownmark.loops.graphs import Job, Recorder, capture_stream
from ownmark.loops.repeat import repeatable

if TYPE_CHECKING:
    import pytorch_lightning as pl


_log = logging.getLogger("ownmark")


class Fitter:
    """Trains networks on one device with Lightning's Trainer.

    Args:
        device: where networks are trained. rng: on the CPU; everything random in training follows from it.
        callbacks, logger: the user's own Lightning objects, from the plan; callbacks may be given as a function
            that makes them anew for each training, since many keep what they saw.
        progress: told (step, steps) while a network is trained.
    """

    def __init__(
        self,
        device: torch.device,
        rng: torch.Generator,
        *,
        callbacks: Sequence[pl.Callback] | Callable[[], Sequence[pl.Callback]] = (),
        logger: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.rng = rng
        self.samples_seen = 0
        self.device = device
        self._callbacks = callbacks
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
        network = network.to(self.device)
        if recipe.epochs == 0 or len(samples) == 0:
            return network.eval()
        with _only(network, trains):
            self.fit(self.job(network, samples, recipe, terms, transforms), callbacks)
        return finished(network, self.device)

    def fit(self, job: Job, callbacks: Sequence[pl.Callback] = ()) -> None:
        """Train a job's network in place; `finished` is what to hand back."""
        try:
            with self.training():
                self._train(job, callbacks)
        finally:
            self.samples_seen += job.batches.seen

    def job(
        self,
        network: nn.Module,
        samples: Samples,
        recipe: Recipe,
        terms: Sequence[Term],
        transforms: Sequence[Transform],
    ) -> Job:
        """The training as one piece, with batches on the device and the network ready for its first step."""
        every = (*augmentation(recipe), *transforms)
        batches = Batches(samples.to(self.device), recipe.batch_size, every, self._device_rng())
        network.to(self.device).train()
        if recipe.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Job(network, batches, terms, recipe, recipe.epochs * len(batches))

    @contextmanager
    def training(self) -> Iterator[None]:
        """What holds while a network is trained: seeded, repeatable, quiet."""
        with seeded(self.rng), repeatable(), _quiet():
            yield

    def _train(self, job: Job, callbacks: Sequence[pl.Callback]) -> None:
        from ownmark.loops.module import FitModule

        watching = self.observers(callbacks, job.steps)
        if self.steps_on_device(job, watching):
            self.replay([job], watching)
            return
        recipe, logs = job.recipe, bool(len(watching) > bool(self._progress) or self._logger)
        module = FitModule(job.network, job.terms, recipe, job.steps, logs=logs)
        once = (
            recipe if module.automatic_optimization else recipe.change(clip=0.0)
        )  # the module clips by itself
        trainer = self._trainer(once, watching, len(job.batches))
        with _interruptible(trainer):
            trainer.fit(module, train_dataloaders=job.batches)

    def observers(self, callbacks: Sequence[pl.Callback], steps: int) -> list[pl.Callback]:
        """The user's callbacks, the method's, and the one that shows progress."""
        from ownmark.loops.callbacks import Report

        users = self._callbacks() if callable(self._callbacks) else self._callbacks
        return [*users, *callbacks, *([Report(self._progress, steps)] if self._progress else [])]

    def steps_on_device(self, job: Job, callbacks: Sequence[pl.Callback]) -> bool:
        """Whether a `Recorder` takes the steps: on CUDA, unless somebody wants a part in them."""
        if self.device.type != "cuda" or self._logger is not None:
            return False
        from ownmark.loops.replaying import steps_alone

        return steps_alone(job, callbacks)

    def replay(self, jobs: Sequence[Job], callbacks: list[pl.Callback]) -> None:
        """Train the networks of `jobs`, which share recipe, terms and number of steps, recording them if that can be.

        The log says why where it cannot.
        """
        from ownmark.loops.replaying import ReplayModule, why_not_recorded

        if reason := why_not_recorded(jobs[0]):
            _log.info("training runs step by step from Python: %s", reason)
        recipe, recorder = jobs[0].recipe, Recorder(jobs, records=not reason)
        plain = recipe.change(clip=0.0, precision="float32")  # the recorded step does both itself
        trainer = self._trainer(plain, callbacks, len(recorder))
        with capture_stream(self.device), _interruptible(trainer):
            trainer.fit(ReplayModule(jobs[0].network, recorder, recipe), train_dataloaders=recorder)

    def _trainer(self, recipe: Recipe, callbacks: list[pl.Callback], batches: int) -> pl.Trainer:
        import pytorch_lightning as pl
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment
        from pytorch_lightning.callbacks import Checkpoint, ProgressBar

        from ownmark.loops.module import NoProfiler

        on_cuda = self.device.type == "cuda"
        return pl.Trainer(
            accelerator="gpu" if on_cuda else "cpu",
            devices=[self.device.index or 0] if on_cuda else 1,
            precision="bf16-mixed" if recipe.precision == "bfloat16" else "32-true",
            max_epochs=recipe.epochs,
            gradient_clip_val=recipe.clip or None,
            callbacks=callbacks,
            logger=False if self._logger is None else self._logger,
            log_every_n_steps=min(50, batches),
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in callbacks),
            enable_model_summary=False,
            profiler=NoProfiler(),
            use_distributed_sampler=False,
            plugins=[LightningEnvironment()],  # one process, also inside a SLURM job of many tasks
        )

    def _device_rng(self) -> torch.Generator:
        seed = int(torch.randint(2**62, (), generator=self.rng))
        return torch.Generator(self.device).manual_seed(seed)


def finished(network: nn.Module, device: torch.device) -> nn.Module:
    """The network as it is handed back: on the device, which Lightning takes it from, contiguous, in eval mode."""
    return network.to(device).to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload, no-any-return]


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
def _interruptible(trainer: pl.Trainer) -> Iterator[None]:
    """Ctrl-C stays a `KeyboardInterrupt`; Lightning makes an exit of it, and ignores the key from then on.

    A request to terminate ends the process, as it does outside of trainings. Lightning makes an exit of it too, which
    would pass for one of the method's. Where somebody else handles the signal, training breaks off as by Ctrl-C.
    """
    from pytorch_lightning.utilities.exceptions import SIGTERMException

    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SIGTERMException as error:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt from error
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from error
        raise
    if trainer.interrupted:
        raise KeyboardInterrupt


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
