"""BatchNorm for the passes that teach a mark: whose statistics normalise a batch, and none are remembered.

c-BN (APP paper, section 3.3): a batch holds triggers and, behind them, clean images; each layer takes mean and variance
of the clean rows' activations and normalises all rows with them. Gradients flow through the statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def norms(network: nn.Module) -> list[_BatchNorm]:
    """The network's BatchNorm layers."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def normalized(layer: _BatchNorm, x: Tensor, first: int | None) -> Tensor:
    """What a BatchNorm in train mode gives, with statistics of rows `first` on (all rows for None).

    Args:
        x: [B, C, ...]. Returns: the same shape; running statistics stay what they are. Variances are biased.
    """
    rows = (x if first is None else x[first:]).float()
    dims = [0, *range(2, x.ndim)]
    variance, mean = torch.var_mean(rows, dims, correction=0)
    scale = torch.rsqrt(variance + layer.eps)
    if layer.weight is not None:
        scale = scale * layer.weight
    offset = -mean * scale if layer.bias is None else layer.bias - mean * scale
    shape = (1, -1, *([1] * (x.ndim - 2)))
    return torch.addcmul(offset.view(shape), x.float(), scale.view(shape)).to(x.dtype)


@contextmanager
def statistics_of(network: nn.Module, first: int | None) -> Iterator[None]:
    """Let every BatchNorm of the network normalise by rows `first` on for the block; see `normalized`.

    A network without BatchNorm is not changed at all. Layers, parameters and their names stay what they are.
    """
    layers = norms(network)
    for layer in layers:
        layer.forward = partial(normalized, layer, first=first)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
