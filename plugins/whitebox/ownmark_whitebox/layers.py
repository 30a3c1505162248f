"""Which layer carries a mark, in the owner's network and in a suspect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Recipe, outputs
from ownmark.errors import NotApplicable, Unreadable
from ownmark_whitebox.config import StartConfig

Layer = nn.Conv2d | nn.Linear


def layers_of(network: nn.Module) -> dict[str, Layer]:
    """Convolutions and linear layers by name, in module order."""
    return {n: m for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}


def inner_convolutions(network: nn.Module, channels: int) -> dict[str, nn.Conv2d]:
    """Convolutions with more input channels than the image has, so that read no image."""
    found = layers_of(network).items()
    return {n: m for n, m in found if isinstance(m, nn.Conv2d) and m.in_channels > channels}


def named_layer(network: nn.Module, name: str) -> Layer:
    """The convolution or linear layer called `name`.

    Raises:
        NotApplicable: no such layer; lists those there are.
    """
    layers = layers_of(network)
    if name not in layers:
        known = ", ".join(layers) or "none"
        raise NotApplicable(f"no convolution or linear layer {name!r}; there are: {known}")
    return layers[name]


def widest_convolution(network: nn.Module, shape: Sequence[int]) -> str:
    """The convolution with the most inputs a filter, among those that read no image; of equals the one with the most
    filters, then the first.

    Kernels wider than one position come first, gates last: the squeeze of a squeeze-and-excitation block is a 1x1
    convolution that reads many channels of a single position, and carries next to nothing.

    Args:
        network: as it stands. shape: of one image, [C, H, W].

    Raises:
        NotApplicable: there is none.
    """
    inner = inner_convolutions(network, shape[0])
    if not inner:
        known = ", ".join(layers_of(network)) or "none"
        raise NotApplicable(
            f"no convolution with more than {shape[0]} input channels; name a layer of: {known}"
        )
    wide = {n: m for n, m in inner.items() if m.weight[0, 0].numel() > 1 and m.weight.shape[1] > shape[0]}
    among = wide or _without_gates(inner, network, shape)
    return max(among, key=lambda name: (among[name].weight[0].numel(), among[name].out_channels))


def widest_layer(network: nn.Module, shape: Sequence[int]) -> str:
    """`widest_convolution`; in a network without one, the inner linear layer with the most inputs, so that
    transformers have a layer as well. The last linear layer is the head, which a thief replaces first.

    Raises:
        NotApplicable: neither is there.
    """
    if inner_convolutions(network, shape[0]):
        return widest_convolution(network, shape)
    linear = {n: m for n, m in layers_of(network).items() if isinstance(m, nn.Linear)}
    inner = dict(list(linear.items())[:-1])
    if not inner:
        return widest_convolution(network, shape)
    return max(inner, key=lambda name: (inner[name].in_features, inner[name].out_features))


def why_this_layer(network: nn.Module, layer: str, shape: Sequence[int]) -> str:
    """For records: what chose the layer that carries the mark."""
    weight = named_layer(network, layer).weight
    filters = f"{layer}: {len(weight)} filters of {weight[0].numel()} weights"
    try:
        chosen = layer == widest_layer(network, shape)
    except NotApplicable:
        chosen = False
    if not chosen:
        return f"{filters}, named in the parameters"
    if inner_convolutions(network, shape[0]):
        return f"{filters}, the most among convolutions that read no image"
    return (
        f"{filters}, the most among linear layers but the last; no convolution reads anything but the image"
    )


def _without_gates(
    found: Mapping[str, nn.Conv2d], network: nn.Module, shape: Sequence[int]
) -> Mapping[str, nn.Conv2d]:
    """Those that read more than one position of a map; all if none does."""
    read: set[nn.Module] = set()

    def see(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].shape[-2:].numel() > 1:
            read.add(module)

    handles = [module.register_forward_pre_hook(see) for module in found.values()]
    try:
        outputs(network, torch.zeros(1, *shape))
    finally:
        for handle in handles:
            handle.remove()
    return {name: module for name, module in found.items() if module in read} or found


def suspect_weight(network: nn.Module, layer: str, shape: Sequence[int]) -> Tensor:
    """The weight that carries the mark, detached.

    Raises:
        Unreadable: the suspect has no such layer, or one of another shape.
    """
    weight = getattr(dict(network.named_modules()).get(layer), "weight", None)
    if not isinstance(weight, Tensor):
        raise Unreadable(f"the suspect has no layer {layer!r}, which carries the mark")
    if list(weight.shape) != list(shape):
        raise Unreadable(f"layer {layer!r} is {list(weight.shape)}, the key expects {list(shape)}")
    if not bool(torch.isfinite(weight).all()):
        raise Unreadable(f"layer {layer!r} holds values that are no numbers")
    return weight.detach()


def starting_point(host: HostView, config: StartConfig, fit: Fit) -> tuple[nn.Module, Recipe]:
    """The network that the mark is written into, and how it is trained."""
    if config.start == "scratch":
        return host.blank(fit.rng), host.recipe
    return host.trained(), config.recipe


def draw_seed(rng: torch.Generator) -> int:
    """A seed for what can only be drawn once the network is known; survives JSON exactly."""
    return int(torch.randint(2**53, (), generator=rng, device=rng.device))
