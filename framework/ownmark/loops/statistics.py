"""BatchNorm's running statistics, measured anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts.views import device_of


@torch.no_grad()
def remeasure(network: nn.Module, x: Tensor, passes: int = 1, batch_size: int = 256) -> nn.Module:
    """Reset BatchNorm's running statistics, in place, and take their mean over batches of x; parameters stay.

    Args:
        x: [N, C, H, W] pixels; fewer than two leave the statistics alone. Returns: the network, in eval mode.
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    if not norms or len(x) < 2:
        return network
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for _ in range(passes):
        for part in torch.tensor_split(x, max(1, -(-len(x) // batch_size))):
            network(part.to(device_of(network)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()
