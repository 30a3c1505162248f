"""Moved parameters, and what a network gives with them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ownmark_robust.norms import norms


def affine(network: nn.Module) -> set[str]:
    """Names of the parameters of BatchNorm layers, found by type."""
    layers = {id(parameter) for layer in norms(network) for parameter in layer.parameters()}
    return {name for name, parameter in network.named_parameters() if id(parameter) in layers}


def trained(network: nn.Module, *, affine_too: bool) -> dict[str, Tensor]:
    """Parameters that require gradients, with or without those of BatchNorm."""
    left_out = set() if affine_too else affine(network)
    return {
        name: parameter
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and name not in left_out
    }


def output_at(network: nn.Module, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """`network(x)` with some of its parameters replaced; gradients reach what they were computed from."""
    found: Tensor = functional_call(network, dict(parameters), (x,))
    return found.float()


def noisy(parameters: Mapping[str, Tensor], sd: float, rng: torch.Generator) -> dict[str, Tensor]:
    """theta + G with G ~ N(0, sd^2 I), a new draw each time; `rng` on the parameters' device."""
    return {
        name: value + sd * torch.randn(value.shape, generator=rng, device=value.device, dtype=value.dtype)
        for name, value in parameters.items()
    }
