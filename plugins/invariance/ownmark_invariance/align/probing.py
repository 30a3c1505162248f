"""What the neurons of a network say to the same noise: the features on which two networks are compared.

Correlations of activations do not change with a neuron's scale, and only in sign with its sign; they change little
under fine-tuning and pruning.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import evaluating
from ownmark.contracts.views import Shape, device_of
from ownmark.errors import NotApplicable
from ownmark_invariance.grouping import Groups

SIZES = (32, 28, 8, 16, 64, 96, 128, 224, 299)
"""Heights and widths that are tried, in this order."""
ROWS = 4096
"""Most places (images times positions) at which a layer is compared."""

CONSTANT = 1e-6
"""Spread, as a share of the magnitude, below which a neuron counts as constant."""


def noise_images(count: int, shape: Shape) -> Tensor:
    """Noise at four grains, pixels in [0, 1], [count, C, H, W]; always the same."""
    rng = torch.Generator().manual_seed(20220500)
    grains = [max(1, shape[1] // step) for step in (1, 2, 4, 8)]
    images = []
    for i in range(count):
        grain = grains[i % len(grains)]
        coarse = torch.rand((1, shape[0], grain, grain), generator=rng)
        images.append(F.interpolate(coarse, size=shape[1:], mode="nearest"))
    return torch.cat(images)


def fitting_shape(network: nn.Module, channels: int | None = None) -> Shape:
    """The first usual input shape that the network takes.

    Raises:
        NotApplicable: it takes none of them.
    """
    for size in SIZES:
        for depth in (3, 1) if channels is None else (channels,):
            try:
                with evaluating(network):
                    network(torch.zeros(2, depth, size, size, device=device_of(network)))
            except (RuntimeError, ValueError, IndexError):
                continue
            return depth, size, size
    raise NotApplicable("the owner's copy takes no image of a usual size; give `align` its `shape`")


def activations(network: nn.Module, groups: Groups, images: Tensor) -> dict[str, Tensor]:
    """What each layer of the report writes, before any activation function: [rows, channels], float64.

    Layers that are not modules, or whose output shows their channels on no dimension, are left out.
    """
    modules = dict(network.named_modules())
    found: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for layer in groups.layers:
            if layer.name in modules:
                hook = modules[layer.name].register_forward_hook(
                    _keeping(found, layer.name, layer.out.perm.size)
                )
                stack.callback(hook.remove)
        with evaluating(network):
            network(images.to(device_of(network)))
    return found


def _keeping(found: dict[str, Tensor], name: str, channels: int) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and (table := _table(module, output, channels)) is not None:
            found[name] = table

    return hook


def _table(module: nn.Module, output: Tensor, channels: int) -> Tensor | None:
    """[rows, channels] of an output, at most `ROWS` rows, evenly spread."""
    last = isinstance(module, (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)) or output.ndim == 2
    dim = output.ndim - 1 if last else 1
    if output.ndim <= dim or output.shape[dim] != channels:
        return None
    rows = output.detach().movedim(dim, -1).reshape(-1, channels)
    keep = torch.linspace(0, len(rows) - 1, min(len(rows), ROWS), device=rows.device).long()
    return torch.nan_to_num(rows[keep].double().cpu(), posinf=0.0, neginf=0.0)


def correlations(own: Tensor, suspect: Tensor) -> Tensor:
    """Correlation of every neuron of one network with every one of the other: [rows, C] twice -> [C, C].

    A neuron that is constant correlates with none.
    """
    sides = []
    for table in (own, suspect):
        centred = table - table.mean(0)
        length = centred.norm(dim=0)
        varies = length > CONSTANT * table.norm(dim=0)
        sides.append(torch.where(varies, centred / length, torch.zeros_like(centred)))
    return torch.nan_to_num(sides[0].T @ sides[1])
