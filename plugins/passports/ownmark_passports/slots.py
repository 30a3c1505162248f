"""Where passports can sit: convolutions whose output goes straight into a norm, found by watching one forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import evaluating
from ownmark.contracts.views import Shape, device_of
from ownmark.errors import NotApplicable

NORMS = (nn.BatchNorm2d, nn.GroupNorm)


@dataclass(frozen=True)
class Slot:
    """A convolution and the norm behind it.

    Args:
        conv, norm: names of the modules. inputs: the convolution's input [in, h, w]. channels: its outputs.
    """

    conv: str
    norm: str
    inputs: Shape
    channels: int


@dataclass
class Trace:
    """What one forward pass met: slots, and every BatchNorm, both in the order of use."""

    slots: list[Slot] = field(default_factory=list)
    batch_norms: list[str] = field(default_factory=list)

    def shared(self, taken: Sequence[Slot]) -> list[str]:
        """BatchNorms outside `taken` that come after the first of them, so that both branches pass them differently."""
        order = [slot.norm for slot in taken]
        late = self.batch_norms[self._first(order) :]
        return [name for name in late if name not in order]

    def _first(self, norms: Sequence[str]) -> int:
        return min((self.batch_norms.index(n) for n in norms if n in self.batch_norms), default=0)


def trace(network: nn.Module, shape: Shape) -> Trace:
    """Slots of `network` for inputs of `shape`: ungrouped, zero-padded convolutions, affine norms, each used once."""
    with evaluating(network), _watching(network) as (convs, norms):
        network(torch.zeros(1, *shape, device=device_of(network)))
    found = Trace(batch_norms=[n for n, m, _ in norms if isinstance(m, _BatchNorm)])
    for norm, module, given in norms:
        fed = [(name, m, inputs) for name, m, inputs, output in convs if output is given]
        if len(fed) == 1 and _plain(fed[0][1]) and _affine(module):
            conv, layer, inputs = fed[0]
            found.slots.append(Slot(conv, norm, inputs, layer.out_channels))
    names = [name for slot in found.slots for name in (slot.conv, slot.norm)]
    found.slots = [s for s in found.slots if names.count(s.conv) == names.count(s.norm) == 1]
    return found


@contextmanager
def _watching(network: nn.Module) -> Iterator[tuple[list[Any], list[Any]]]:
    """Lists that fill while the network runs: (name, conv, input shape, output) and (name, norm, input)."""
    convs: list[Any] = []
    norms: list[Any] = []
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):

            def after(m: nn.Module, args: Any, output: Tensor, name: str = name) -> None:
                convs.append((name, m, tuple(args[0].shape[1:]), output))

            handles.append(module.register_forward_hook(after))
        elif isinstance(module, NORMS):

            def before(m: nn.Module, args: Any, name: str = name) -> None:
                norms.append((name, m, args[0]))

            handles.append(module.register_forward_pre_hook(before))
    try:
        yield convs, norms
    finally:
        for handle in handles:
            handle.remove()


def _plain(conv: nn.Conv2d) -> bool:
    return conv.groups == 1 and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def _affine(norm: nn.Module) -> bool:
    return isinstance(norm, NORMS) and norm.affine


def choose(found: Trace, layers: str | Sequence[str]) -> list[Slot]:
    """The slots that `layers` means.

    Args:
        layers: `widest` (those with the most output channels: layer4 of ResNet-18), `all`, or names of convolutions.

    Raises:
        NotApplicable: there are no slots, or not the named ones.
    """
    known = {slot.conv: slot for slot in found.slots}
    if not known:
        raise NotApplicable(
            "no convolution feeds a BatchNorm or GroupNorm with scale and bias; build the host with a norm"
        )
    if layers == "all":
        return found.slots
    if layers == "widest":
        most = max(slot.channels for slot in found.slots)
        return [slot for slot in found.slots if slot.channels == most]
    missing = [name for name in layers if name not in known]
    if missing:
        raise NotApplicable(f"no passport can sit at {', '.join(missing)}; it can at: {', '.join(known)}")
    return [slot for slot in found.slots if slot.conv in layers]
