"""Training steps as CUDA graphs: recorded once, then replayed without Python in between.

A step of a small network is bound by the time Python takes to launch some hundred kernels. A recorded step launches
them all at once, and steps of several networks that are recorded together run side by side. The kernels are those
of the eager step, so weights come out the same, to the bit.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.fit import Recipe
from ownmark.contracts.samples import Term
from ownmark.loops.batches import Batches
from ownmark.loops.schedule import device_optimizer, rate_factor

_log = logging.getLogger("ownmark")
WARM_UP = 3
"""Steps of each batch shape that run from Python before one is recorded: libraries choose their kernels in them."""


@dataclass(frozen=True)
class Job:
    """One network to train on a CUDA device.

    Args:
        network: in train mode, on the device. batches: cut there. steps: of the whole training.
    """

    network: nn.Module
    batches: Batches
    terms: Sequence[Term]
    recipe: Recipe
    steps: int


class Stepper:
    """All of a training step that happens on the device: batch, loss, gradients, learning rate, new weights."""

    def __init__(self, job: Job) -> None:
        self._job = job
        device = job.batches.device
        self.parameters = [p for p in job.network.parameters() if p.requires_grad]
        self._optimizer = device_optimizer(job.recipe, self.parameters)
        factors = [rate_factor(job.recipe, step, job.steps) for step in range(job.steps + 1)]
        self._rates = torch.tensor(factors, dtype=torch.float64, device=device) * job.recipe.lr
        self._taken = torch.zeros(1, dtype=torch.int64, device=device)
        self._rate = torch.zeros((), dtype=torch.float32, device=device)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate

    def forget_gradients(self) -> None:
        """Before recording: gradients must be made inside the graph."""
        self._optimizer.zero_grad(set_to_none=True)

    def __call__(self, index: Tensor, step: int) -> Tensor:
        """Train on the samples at `index` [B]; returns the loss, still on the device.

        Args:
            step: what the terms are told.
        """
        job = self._job
        batch = job.batches.cut(index)
        if job.recipe.channels_last and batch.x.ndim == 4:
            batch.x = batch.x.contiguous(memory_format=torch.channels_last)
        with _precision(job.recipe):
            parts = [term(job.network, batch, step).float() for term in job.terms]
            loss = functools.reduce(torch.add, parts)
        loss.backward()  # type: ignore[no-untyped-call]
        if job.recipe.clip:
            nn.utils.clip_grad_norm_(self.parameters, job.recipe.clip)
        self._rate.copy_(self._rates.index_select(0, self._taken)[0])
        self._taken.add_(1)
        self._optimizer.step()
        return loss.detach()


def _precision(recipe: Recipe) -> Any:
    """Autocast without its cache, whose casts of the weights a graph would keep from the first step on."""
    return torch.autocast("cuda", torch.bfloat16, recipe.precision == "bfloat16", cache_enabled=False)


class Recorder:
    """Trains one or several networks in step, each on its own stream of the same graph.

    Args:
        jobs: with as many steps each.
        records: False runs every step from Python.
    """

    def __init__(self, jobs: Sequence[Job], records: bool = True) -> None:
        self._jobs = tuple(jobs)
        self._steppers = [Stepper(job) for job in jobs]
        self._graphs: dict[tuple[int, ...], _Graph] = {}
        self._warm: dict[tuple[int, ...], int] = {}
        self._streams: list[torch.cuda.Stream] = []
        self._refused = not records
        self._step = 0
        self.losses: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._jobs[0].batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Positions of each network's next batch, for an epoch."""
        return zip(*(job.batches.orders() for job in self._jobs), strict=True)

    def step(self, indices: Sequence[Tensor]) -> None:
        """One step of every network, on the samples at its `indices`."""
        shapes = tuple(len(index) for index in indices)
        self._warm[shapes] = self._warm.get(shapes, 0) + 1
        if shapes not in self._graphs and self._warm[shapes] > WARM_UP and not self._refused:
            self._try_to_record(shapes, indices)
        if shapes in self._graphs:
            self._graphs[shapes].replay(indices)
        else:
            self.losses = self._eager(indices)
        self._step += 1

    def _try_to_record(self, shapes: tuple[int, ...], indices: Sequence[Tensor]) -> None:
        drawn = [*(job.batches.rng for job in self._jobs), _default_generator(self._jobs[0].batches.device)]
        states = [generator.get_state() for generator in drawn]
        try:
            self._graphs[shapes] = self._record(indices)
        except RuntimeError as error:
            self._refused = True
            _log.warning("a step cannot be recorded, training goes on from Python: %s", error)
            for generator, state in zip(drawn, states, strict=True):
                _take_back(generator, state)

    def _eager(self, indices: Sequence[Tensor]) -> list[Tensor]:
        losses = []
        for stepper, index, stream in zip(self._steppers, indices, self._sides(), strict=True):
            with torch.cuda.stream(stream):
                stepper.forget_gradients()
                losses.append(stepper(index, self._step))
        self._join()
        return losses

    def _sides(self) -> list[torch.cuda.Stream]:
        """A stream for each network, each behind what the current one was told so far."""
        current = torch.cuda.current_stream()
        if not self._streams:
            self._streams = [torch.cuda.Stream(current.device) for _ in self._jobs]  # type: ignore[no-untyped-call]
        for stream in self._streams:
            stream.wait_stream(current)
        return self._streams

    def _join(self) -> None:
        for stream in self._streams:
            torch.cuda.current_stream().wait_stream(stream)

    def _record(self, indices: Sequence[Tensor]) -> _Graph:
        graph = torch.cuda.CUDAGraph()
        for job in self._jobs:
            graph.register_generator_state(job.batches.rng)
        for stepper in self._steppers:
            stepper.forget_gradients()
        inputs = [index.clone() for index in indices]
        former = [job.batches.seen for job in self._jobs]
        pool = next(iter(self._graphs.values())).pool if self._graphs else None
        with torch.cuda.graph(graph, pool=pool):
            losses = []
            for stepper, index, stream in zip(self._steppers, inputs, self._sides(), strict=True):
                with torch.cuda.stream(stream):
                    losses.append(stepper(index, 0))
            self._join()
        rows = [job.batches.seen - count for job, count in zip(self._jobs, former, strict=True)]
        for job, count in zip(self._jobs, former, strict=True):
            job.batches.seen = count  # recording computes nothing
        self.losses = losses
        return _Graph(graph, inputs, [job.batches for job in self._jobs], rows)


def _default_generator(device: torch.device) -> torch.Generator:
    return torch.cuda.default_generators[device.index or 0]


def _take_back(generator: torch.Generator, state: Tensor) -> None:
    """Give a generator its former state in a new place; the old one believes that it is still being recorded."""
    fresh = torch.Generator(generator.device)
    fresh.set_state(state)
    generator.graphsafe_set_state(fresh)


class _Graph:
    """A recorded step for batches of one shape."""

    def __init__(
        self, graph: torch.cuda.CUDAGraph, inputs: list[Tensor], batches: list[Batches], rows: list[int]
    ) -> None:
        self._graph, self._inputs, self._batches, self._rows = graph, inputs, batches, rows

    @property
    def pool(self) -> Any:
        """Its memory, which graphs that never run at the same time may share."""
        return self._graph.pool()

    def replay(self, indices: Sequence[Tensor]) -> None:
        torch._foreach_copy_(self._inputs, list(indices))
        self._graph.replay()
        for batches, rows in zip(self._batches, self._rows, strict=True):
            batches.seen += rows


@contextlib.contextmanager
def capture_stream(device: torch.device) -> Iterator[None]:
    """Work on a stream of its own: the default one cannot be recorded next to."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        torch.cuda.current_stream(device).wait_stream(stream)
