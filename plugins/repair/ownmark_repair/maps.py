"""Feature maps: where a network's last one is, and where its resolution changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ownmark.contracts import evaluating
from ownmark.contracts.views import device_of
from ownmark.errors import NotApplicable

_PASSING = (
    nn.Identity, nn.Dropout, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A module that gives a feature map.

    Args:
        name: of the module. shape: (channels, height, width) of its output.
    """

    name: str
    shape: tuple[int, int, int]


def places(network: nn.Module, shape: tuple[int, int, int]) -> list[Place]:
    """Modules that give a 4-D map, in the order in which they finish; poolings and the like left out.

    Args:
        shape: of one input; a batch of two zeros runs through the network.
    """
    found: list[Place] = []

    def note(name: str, module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and not isinstance(module, _PASSING):
            found.append(Place(name, (output.shape[1], output.shape[2], output.shape[3])))

    named = [(name, module) for name, module in network.named_modules() if name]
    handles = [module.register_forward_hook(partial(note, name)) for name, module in named]
    try:
        with evaluating(network):
            network(torch.zeros(2, *shape, device=device_of(network)))
    finally:
        for handle in handles:
            handle.remove()
    return found


def last_map(network: nn.Module, shape: tuple[int, int, int], name: str | None = None) -> Place:
    """The last feature map before the dense layers, or that of the module called `name`.

    Raises:
        NotApplicable: there is none.
    """
    found = places(network, shape)
    if name is None and found:
        return found[-1]
    named = [place for place in found if place.name == name]
    if not named:
        known = ", ".join(dict.fromkeys(place.name for place in found)) or "none"
        wanted = "no feature map" if name is None else f"no feature map of a layer {name!r}"
        raise NotApplicable(f"the network has {wanted}; it has: {known}")
    return named[-1]


def stages(
    network: nn.Module, shape: tuple[int, int, int], names: Sequence[str] | None = None
) -> list[Place]:
    """The last feature map of each resolution, or the named ones.

    Raises:
        NotApplicable: there is none, or no such layer.
    """
    if names is not None:
        return [last_map(network, shape, name) for name in names]
    by_size = {place.shape[1:]: place for place in places(network, shape)}
    if not by_size:
        raise NotApplicable("the network has no feature maps to compare")
    return list(by_size.values())


@contextmanager
def captured(network: nn.Module, names: Sequence[str]) -> Iterator[Mapping[str, Tensor]]:
    """The outputs of the named modules in the passes within the block; the last pass counts."""
    found: dict[str, Tensor] = {}

    def keep(name: str, module: nn.Module, inputs: object, output: Tensor) -> None:
        found[name] = output

    handles = [network.get_submodule(name).register_forward_hook(partial(keep, name)) for name in names]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
