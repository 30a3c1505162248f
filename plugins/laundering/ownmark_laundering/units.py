"""Channels and neurons of a network: which layer makes them, which norm and activation they go through.

A `Site` is a convolution or a dense layer with what follows it: found by sending one input through the network and
watching which module is fed with another's output, so that names and order of definition do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import evaluating
from ownmark.contracts.views import device_of

NORMS = (_BatchNorm, nn.GroupNorm)
_ACTIVATIONS = "torch.nn.modules.activation"
Watcher = Callable[[nn.Module, Tensor, Tensor], None]


@dataclass
class Site:
    """One layer; its units are output channels (convolution) or neurons (dense).

    Args:
        name: of the layer in the network. norm: BatchNorm or GroupNorm that is fed with the layer's output, if any.
        activation: module that is fed with the norm's (or the layer's) output, if any; a function is not seen.
    """

    name: str
    layer: nn.Conv2d | nn.Linear
    norm: nn.Module | None = None
    activation: nn.Module | None = None

    @property
    def dense(self) -> bool:
        """Whether units are neurons."""
        return isinstance(self.layer, nn.Linear)

    def parameters(self) -> list[Tensor]:
        """Tensors whose first dimension is the layer's units."""
        owners = [self.layer] if self.norm is None else [self.layer, self.norm]
        return [parameter for owner in owners for parameter in owner.parameters(recurse=False)]


@contextmanager
def watching(modules: Sequence[nn.Module], watcher: Watcher) -> Iterator[None]:
    """Call `watcher(module, input, output)` whenever one of `modules` has worked."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            watcher(module, inputs[0], output)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def sites(network: nn.Module, shape: tuple[int, int, int]) -> list[Site]:
    """2-D convolutions and dense layers in the order they work in, each once, the output layer included."""
    names = {module: name for name, module in network.named_modules()}
    found: dict[nn.Module, Site] = {}
    behind: dict[int, Site] = {}
    alive: list[Tensor] = []  # ids must not be used again

    def watcher(module: nn.Module, given: Tensor, made: Tensor) -> None:
        site = behind.get(id(given))
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            site = found.setdefault(module, Site(names[module], module))
        elif site is None or not _follows(site, module):
            return
        behind[id(made)] = site
        alive.append(made)

    leaves = [module for module in names if not any(True for _ in module.children())]
    with evaluating(network), watching(leaves, watcher):
        network(torch.zeros(1, *shape, device=device_of(network)))
    return list(found.values())


def _follows(site: Site, module: nn.Module) -> bool:
    """Note a norm or an activation that works on a site's output."""
    if isinstance(module, NORMS) and site.norm is None and site.activation is None:
        site.norm = module
    elif type(module).__module__ == _ACTIVATIONS and site.activation is None:
        site.activation = module
    else:
        return False
    return True


def mean_activations(
    network: nn.Module, x: Tensor, where: Sequence[Site], unit: str, batch_size: int = 256
) -> list[Tensor]:
    """Mean over images of what each site gives: [units, H, W] of a convolution, [units] of a dense layer.

    Args:
        x: [N, C, H, W]. unit: `"pre_bn"` the layer's own output, `"post_relu"` behind norm and activation.
    """
    late = unit == "post_relu"
    place = {(site.norm or site.layer) if late else site.layer: i for i, site in enumerate(where)}
    totals: list[Tensor | float] = [0.0 for _ in where]

    def watcher(module: nn.Module, given: Tensor, made: Tensor) -> None:
        site = where[place[module]]
        if late and site.activation is not None:
            made = site.activation.forward(made.clone())  # not its hooks; it may work in place
        each = made.flatten(0, -2) if site.dense else made
        totals[place[module]] += each.double().sum(0) * (len(made) / len(each))

    with evaluating(network), watching(list(place), watcher):
        for part in torch.split(x.to(device_of(network)), batch_size):
            network(part)
    return [torch.as_tensor(total) / len(x) for total in totals]
