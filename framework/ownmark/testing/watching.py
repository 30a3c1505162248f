"""Trip wires: what a method asks its loot for, and what it trains past the harness."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from ownmark.contracts import Batch, Duel, HostView, Recipe, Samples, Stolen, Term
from ownmark.loops import Fitter
from ownmark.testing.workbench import device

_LIBRARIES = ("pytorch_lightning", "lightning", "torch", "matplotlib", "fsspec")
"""Who logs on its own account."""


class Loot(Stolen):
    """A `Stolen` that remembers for which names it was asked in vain: a key, a scheme, a test set."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self.__dict__.setdefault("_asked", []).append(name)
        raise AttributeError(f"a thief has no {name!r}")

    @property
    def asked(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self.__dict__.get("_asked", ()))


class Terms:
    """A view of a host whose loss terms count how often they are asked."""

    def __init__(self, view: HostView) -> None:
        self.asked = 0
        self.view = replace(view, terms=tuple(self._counted(term) for term in view.terms))

    def _counted(self, term: Term) -> Term:
        if isinstance(term, Duel):
            return _CountedDuel(term, self)

        def counted(network: nn.Module, batch: Batch, step: int) -> Tensor:
            self.asked += 1
            return term(network, batch, step)

        return counted


class _CountedDuel(Duel):
    def __init__(self, duel: Duel, counter: Terms) -> None:
        self._duel, self._counter = duel, counter

    def rival(self, network: nn.Module) -> nn.Module:
        return self._duel.rival(network)

    def resist(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        return self._duel.resist(rival, network, batch, step)

    def play(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        self._counter.asked += 1
        return self._duel.play(rival, network, batch, step)


@contextmanager
def heard() -> Iterator[list[str]]:
    """A list that fills with what the block prints and logs."""
    out, said = io.StringIO(), list[str]()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith(_LIBRARIES):
                said.append(record.getMessage() + "\n")

    handler, root = Keep(), logging.getLogger()
    root.addHandler(handler)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield said
    finally:
        root.removeHandler(handler)
        said.append(out.getvalue())


class CountingFit(Fitter):
    """A fitter that counts by itself what it shows a network, and notices optimisers that step outside of it."""

    def __init__(self, rng: torch.Generator, where: torch.device | None = None) -> None:
        super().__init__(device() if where is None else where, rng)
        self.shown = 0
        self.strays: list[torch.nn.Parameter] = []
        self._inside = False

    def __call__(self, network: nn.Module, samples: Samples, recipe: Recipe, **options: Any) -> nn.Module:
        """See `ownmark.contracts.fit.Fit`."""

        def count(batch: Batch, rng: torch.Generator) -> Batch:
            self.shown += len(batch.x)
            return batch

        options["transforms"] = (*options.get("transforms", ()), count)
        self._inside = True
        try:
            return super().__call__(network, samples, recipe, **options)
        finally:
            self._inside = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Collect parameters that optimisers change in the block while nothing is being fitted."""

        def stepped(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
            if not self._inside:
                parameters = (p for group in optimizer.param_groups for p in group["params"])
                self.strays += [p for p in parameters if isinstance(p, nn.Parameter)]

        handle = register_optimizer_step_post_hook(stepped)
        try:
            yield
        finally:
            handle.remove()

    def trained_elsewhere(self, networks: Sequence[nn.Module]) -> bool:
        """Whether an optimiser outside of `fit` changed a parameter of one of these networks."""
        theirs = {id(parameter) for network in networks for parameter in network.parameters()}
        return any(id(stray) in theirs for stray in self.strays)
