"""Weight quantisation, as networks are shipped (the SoK's attack of that name, with torch's own quantisers).

Idea: a mark may live in digits of the weights that nobody ships.
Threat model: the thief holds the weights and needs no data.
Functions: `quantized` rounds one weight to a symmetric grid that torch's observers choose.
Symbols: weights of convolutions and linear layers; the grid has -2^(b-1) .. 2^(b-1) - 1 steps of one scale.
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures at hand.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.errors import NotApplicable
from ownmark_repair.quantize.config import QuantizeConfig


def quantized(weight: Tensor, bits: int, axis: int | None = None) -> Tensor:
    """The weight rounded to at most 2^bits values, for the whole tensor or for each position along `axis`.

    Returns: float values of that grid, same shape.
    """
    from torch.ao.quantization import MinMaxObserver, PerChannelMinMaxObserver

    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if axis is None:
        observer = MinMaxObserver(torch.qint8, torch.per_tensor_symmetric, quant_min=low, quant_max=high)
    else:
        observer = PerChannelMinMaxObserver(
            axis, torch.qint8, torch.per_channel_symmetric, quant_min=low, quant_max=high
        )
    observer.to(weight.device)(weight)
    scale, zero = observer.calculate_qparams()
    if axis is None:
        return torch.fake_quantize_per_tensor_affine(weight, float(scale), int(zero), low, high)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero.int(), axis, low, high)


def quantizable(network: nn.Module) -> dict[str, int]:
    """Layers with a weight to quantise, and the axis of its outputs."""
    found = {}
    for name, module in network.named_modules():
        if isinstance(module, (_ConvNd, nn.Linear)):
            found[name] = 1 if isinstance(module, _ConvTransposeNd) else 0
    return found


class Quantize(Attack):
    """Rounds the weights of convolutions and linear layers."""

    config: QuantizeConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be a convolution or a linear layer."""
        if not quantizable(network):
            raise NotApplicable("the network has neither convolutions nor linear layers to quantise")

    @torch.no_grad()
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Round a copy of the stolen network."""
        network = stolen.copy()
        for name, axis in quantizable(network).items():
            weight: Tensor = network.get_submodule(name).weight  # type: ignore[assignment]
            weight.copy_(quantized(weight, self.config.bits, axis if self.config.per == "channel" else None))
        return Suspect(network)
