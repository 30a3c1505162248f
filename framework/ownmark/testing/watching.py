"""Trip wires: what a method asks its loot for, which files it opens, what it trains past the harness."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from ownmark.contracts import Batch, Recipe, Samples, Stolen
from ownmark.loops import Fitter

_ALLOWED = tuple(
    str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc")
)
_CODE = (".py", ".pyc", ".so", ".pyd", ".dll")
_watchers: list[list[str]] = []
_hooked: list[bool] = []


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


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    if event == "open" and isinstance(args[0], str | bytes | Path) and not _harmless(args[0]):
        _watchers[-1].append(f"opens {str(args[0])!r}")
    elif event in ("socket.connect", "subprocess.Popen", "os.system"):
        _watchers[-1].append(f"calls {event}")


def _harmless(path: str | bytes | Path) -> bool:
    """Modules being imported, what says which are installed, and what belongs to the system or the environment."""
    text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
    return text.endswith(_CODE) or ".dist-info/" in text or str(Path(text).resolve()).startswith(_ALLOWED)


@contextmanager
def files_watched() -> Iterator[list[str]]:
    """A list that fills with the files opened and the connections made in the block."""
    if not _hooked:  # an audit hook cannot be removed; without a watcher it does nothing
        sys.addaudithook(_audit)
        _hooked.append(True)
    _watchers.append([])
    try:
        yield _watchers[-1]
    finally:
        _watchers.pop()


class CountingFit(Fitter):
    """A fitter that counts by itself what it shows a network, and notices optimisers that step outside of it."""

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__(torch.device("cpu"), rng)
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
