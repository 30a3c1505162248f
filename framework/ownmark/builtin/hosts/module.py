"""The user's own network as a host, without writing a pack: anything that can be imported and gives a module."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ownmark.builtin.hosts.layers import Normalize
from ownmark.builtin.hosts.module_config import ModuleConfig
from ownmark.checkpoints import digest_of, read_weights
from ownmark.contracts.host import Host
from ownmark.contracts.loading import load_weights
from ownmark.contracts.tasks import Shape
from ownmark.contracts.views import evaluating
from ownmark.errors import NotApplicable, OwnmarkError


def filled(arguments: Mapping[str, Any], shape: Shape, classes: int) -> dict[str, Any]:
    """The arguments with the task's numbers in place of `$classes`, `$channels`, `$height`, `$width`."""
    task = {"$classes": classes, "$channels": shape[0], "$height": shape[1], "$width": shape[2]}
    return {
        name: task.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()
    }


class Module(Host):
    """`network`, behind `normalize` if there is a mean or a deviation."""

    config: ModuleConfig

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`.

        Raises:
            NotApplicable: the target cannot be imported or called, gives no module, or one that does not answer
                images of `shape` with [N, classes].
        """
        network = self._around(self._made(shape, classes), shape[0])
        self._try(network, shape, classes)
        return network

    def around(self, bare: nn.Module) -> nn.Module:
        """The network behind a `normalize`."""
        return self._around(bare, max(len(self.config.mean), len(self.config.std)))

    def _around(self, network: nn.Module, channels: int) -> nn.Module:
        if not (self.config.mean or self.config.std):
            return network
        normalize = Normalize(channels, self.config.mean or (0.0,), self.config.std or (1.0,))
        return nn.Sequential(OrderedDict(normalize=normalize, network=network))

    def bare(self, network: nn.Module) -> nn.Module:
        """The network behind `normalize`."""
        inner = network.get_submodule("network") if self.config.mean or self.config.std else network
        return inner

    def ready(self, network: nn.Module, which: str) -> bool:
        """The weights of the configuration's files.

        Raises:
            NotApplicable: the file does not fit the target, or a null model can be neither read nor trained.
        """
        path = self._file(which)
        if path is None:
            if self.config.weights is not None and self.config.recipe.epochs == 0:
                raise NotApplicable(
                    f"{which} can be neither read nor trained: `recipe` has 0 epochs, and null models that are not "
                    "trained would show nothing. Give `null_weights` (independent networks of yours), or a recipe"
                )
            return False
        try:
            load_weights(self.bare(network), read_weights(path).tensors)
        except (OwnmarkError, RuntimeError) as error:
            raise NotApplicable(f"{path}: not the weights of {self.config.target}: {error}") from error
        return True

    def fingerprint(self, which: str) -> str:
        """Digest of the file."""
        path = self._file(which)
        return "" if path is None else digest_of(path)

    def _file(self, which: str) -> Path | None:
        kind, _, number = which.partition(" ")
        if kind == "seed":
            path = self.config.weights
        else:
            nulls = self.config.null_weights if kind == "null" else ()
            path = nulls[int(number)] if number.isdigit() and int(number) < len(nulls) else None
        return path.expanduser() if path is not None else None

    def _made(self, shape: Shape, classes: int) -> nn.Module:
        try:
            made = self._target()(**filled(self.config.arguments, shape, classes))
        except NotApplicable:
            raise
        except Exception as error:
            raise NotApplicable(f"{self.config.target} fails: {type(error).__name__}: {error}") from error
        if not isinstance(made, nn.Module):
            raise NotApplicable(f"{self.config.target} gives {type(made).__name__}, not a torch.nn.Module")
        return made

    def _target(self) -> Callable[..., Any]:
        module, _, name = self.config.target.partition(":")
        try:
            found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise NotApplicable(
                f"{self.config.target} cannot be imported ({error}); install it, or put its folder on PYTHONPATH"
            ) from error
        return found

    def _try(self, network: nn.Module, shape: Shape, classes: int) -> None:
        try:
            with evaluating(network):
                answer = network(torch.zeros(2, *shape))
        except Exception as error:
            raise NotApplicable(
                f"{self.config.target} does not take images of {shape}: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(answer, torch.Tensor) or answer.shape != (2, classes):
            found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
            raise NotApplicable(
                f"{self.config.target} answers 2 images with {found}, not with [2, {classes}]"
            )


def perceptron(inputs: int, classes: int, side: int, width: int = 32) -> nn.Module:
    """An example of what `target` may name: one hidden layer on `inputs` channels of `side` x `side` pixels."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs * side * side, width), nn.ReLU(), nn.Linear(width, classes)
    )
