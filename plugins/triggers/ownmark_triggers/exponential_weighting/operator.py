"""The exponential weighting operator, put on a network and folded into its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ownmark.errors import NotApplicable

_WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def weighted(weight: Tensor, temperature: float) -> Tensor:
    """EW(W, T) = exp(|W| T) / max exp(|W| T) * W, one layer's weight of any shape; gradients go through all of it.

    Signs and the largest weight stay, small weights shrink; T = 0 changes nothing.
    """
    size = weight.abs() * temperature
    return (size - size.max()).exp() * weight


class ExponentialWeight(nn.Module):
    """`weighted` as a parametrisation."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, weight: Tensor) -> Tensor:
        """EW(W, T)."""
        return weighted(weight, self.temperature)


def layers(network: nn.Module) -> list[nn.Module]:
    """Convolutions and linear layers; biases and norms are never weighted.

    Raises:
        NotApplicable: there are none.
    """
    found: list[nn.Module] = [module for module in network.modules() if isinstance(module, _WEIGHTED)]
    if not found:
        raise NotApplicable("exponential weighting needs a convolution or a linear layer")
    return found


def switch_on(network: nn.Module, temperature: float) -> None:
    """Let every layer compute with EW of its weight; the raw weights are what is trained."""
    for layer in layers(network):
        parametrize.register_parametrization(layer, "weight", ExponentialWeight(temperature))


@torch.no_grad()
def fold(network: nn.Module) -> None:
    """Make the weighted weights the network's own: W := EW(W, T). The function stays exactly what it was."""
    for layer in layers(network):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
