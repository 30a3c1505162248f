"""Activations of one layer: which layer, how they are taken, their mean over images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.errors import NotApplicable

KINDS: Mapping[str, tuple[type[nn.Module], ...]] = {
    "pre": (nn.Conv2d, nn.Linear),
    "post": (nn.ReLU, nn.ReLU6),
}
LEAST = {"pre": 2, "post": 16}
"""Values a bit. Means after a ReLU are never negative, which leaves fewer signs within reach: on digits 32 values a bit
leave no error, 6 to 8 leave 1 to 28 % of the bits wrong."""


def flatten(output: Tensor, pooled: bool) -> Tensor:
    """[N, C, H, W] or [N, M] -> float32 [N, M], or [N, C] with positions averaged."""
    values = output.float().flatten(2) if output.ndim > 2 else output.float()
    return values.mean(2) if pooled and values.ndim == 3 else values.flatten(1)


def positions(output: Tensor, pooled: bool) -> int:
    """Values a channel in what `flatten` gives: 1 for [N, M] and for averaged positions."""
    return 1 if pooled or output.ndim == 2 else output[0, 0].numel()


@contextmanager
def recording(module: nn.Module) -> Iterator[list[Tensor]]:
    """A list that receives each output of `module` while the block lasts."""
    records: list[Tensor] = []
    handle = module.register_forward_hook(lambda _, __, output: records.append(output))
    try:
        yield records
    finally:
        handle.remove()


def mean_activation(network: nn.Module, layer: str, x: Tensor, pooled: bool) -> Tensor:
    """Mean over images in eval mode: [N, C, H, W] -> [M]."""
    with recording(network.get_submodule(layer)) as records:
        outputs(network, x)
    return torch.cat([flatten(record, pooled) for record in records]).mean(0)


def widths(network: nn.Module, shape: tuple[int, int, int], kind: str, pooled: bool) -> dict[str, int]:
    """M of each layer of a kind by name, in the order of their calls.

    A module that is called more than once has no one activation and is left out.
    """
    calls: dict[str, list[int]] = {}
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, KINDS[kind]):

            def note(_: nn.Module, __: object, output: Tensor, name: str = name) -> None:
                calls.setdefault(name, []).append(flatten(output, pooled).shape[1])

            handles.append(module.register_forward_hook(note))
    try:
        outputs(network, torch.zeros(1, *shape))
    finally:
        for handle in handles:
            handle.remove()
    return {name: found[0] for name, found in calls.items() if len(found) == 1}


def fan_in(network: nn.Module) -> dict[str, int]:
    """Inputs of a filter of each convolution and linear layer by name."""
    layers = ((name, m) for name, m in network.named_modules() if isinstance(m, KINDS["pre"]))
    return {name: layer.weight[0].numel() for name, layer in layers}  # type: ignore[index, operator]


def choose_layer(found: Mapping[str, int], inputs: Mapping[str, int], name: str, kind: str, bits: int) -> str:
    """The layer called `name`, or the best one that is wide enough and does not give the network's answer.

    Best is the one with the most inputs a filter, which leaves a filter the most freedom; the last of equals.

    Args:
        found: as `widths` gives it. inputs: as `fan_in` gives it. bits: read from each class's mean.

    Raises:
        NotApplicable: no such layer, or it is too narrow.
    """
    least = LEAST[kind] * bits
    known = ", ".join(f"{layer} ({width})" for layer, width in found.items()) or "none"
    if name and name not in found:
        raise NotApplicable(f"no layer {name!r} with {kind}-activations; there are, with widths: {known}")
    inner = list(found)[:-1] if kind == "pre" else list(found)
    wide = [layer for layer in ([name] if name else inner) if found[layer] >= least]
    if not wide:
        raise NotApplicable(
            f"{bits} bits a class need {least} values of {kind}-activation; there are: {known}. Name more `classes`, "
            "shorten the message, or count every position where images are aligned (`pooled: false`)"
        )
    return max(reversed(wide), key=lambda layer: inputs.get(layer, 0))
