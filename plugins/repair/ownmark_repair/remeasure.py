"""BatchNorm statistics, measured anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts.views import device_of


@torch.no_grad()
def remeasure(network: nn.Module, x: Tensor, passes: int = 1, batch_size: int = 256) -> nn.Module:
    """Reset BatchNorm's running statistics, in place, and take their mean over batches of x; parameters stay.

    Args:
        x: [N, C, H, W] pixels. Returns: the network, in eval mode.
    """
    norms = [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    momenta = [norm.momentum for norm in norms]
    if not norms or len(x) < 2:
        return network.eval()
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    parts = torch.tensor_split(x, max(1, -(-len(x) // batch_size)))
    for _ in range(passes):
        for part in parts:
            network(part.to(device_of(network)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()
