"""Looking into a network while it is trained: its layers in order, what they are fed, and eval mode with gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from ownmark.errors import NotApplicable


def weighted_layers(network: nn.Module) -> list[str]:
    """Names of convolutions and dense layers in the order they were made, 1 x 1 convolutions (shortcuts) left out."""
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear)
        or (isinstance(module, nn.Conv2d) and tuple(module.kernel_size) != (1, 1))
    ]


def check_layers(network: nn.Module, names: Sequence[str]) -> None:
    """Raise `NotApplicable` unless the network has modules of these names."""
    known = dict(network.named_modules())
    missing = [name for name in names if name not in known]
    if missing:
        raise NotApplicable(
            f"the network has no layer {missing[0]!r}; some it has: {', '.join(weighted_layers(network)[-5:])}"
        )


@contextmanager
def settled(network: nn.Module) -> Iterator[nn.Module]:
    """`network` in eval mode, gradients as they were; the former modes come back afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield network
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def inputs_of(network: nn.Module, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """A list that holds, after a forward pass, what the named modules were fed last: [B, ...] each, in that order."""
    seen: list[Tensor] = [Tensor()] * len(names)
    handles = []

    def remember(place: int, args: tuple[Tensor, ...]) -> None:
        seen[place] = args[0]

    for place, name in enumerate(names):
        hook = lambda module, args, place=place: remember(place, args)  # noqa: E731
        handles.append(network.get_submodule(name).register_forward_pre_hook(hook))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
