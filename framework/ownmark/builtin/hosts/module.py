"""The user's own network as a host, without writing a pack: anything that can be imported and gives a module."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ownmark.builtin.hosts.layers import Normalize
from ownmark.builtin.hosts.module_config import ModuleConfig
from ownmark.contracts.host import Host
from ownmark.contracts.views import evaluating
from ownmark.errors import NotApplicable

Shape = tuple[int, int, int]


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
        network = self._made(shape, classes)
        if self.config.mean or self.config.std:
            normalize = Normalize(shape[0], self.config.mean or (0.0,), self.config.std or (1.0,))
            network = nn.Sequential(OrderedDict(normalize=normalize, network=network))
        self._try(network, shape, classes)
        return network

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
