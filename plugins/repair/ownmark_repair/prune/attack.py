"""Magnitude pruning, as the baseline of the MIRA paper ("directly sets a certain ratio of weights to zero").

Idea: small weights matter little to the task; perhaps the mark lives in them.
Threat model: the thief holds the weights and needs no data.
Functions: `smallest` picks the weights of one pool, `prune` applies it to a network.
Symbols: a pool is the weights of all layers, or of one.
Deviations: which parameters compete is unstated; here weights of convolutions and linear layers, never biases,
BatchNorm or its running statistics.
Reported: CIFAR-10, accuracy / rescaled watermark accuracy: Content 81.5 / 78.2, Noise 90.7 / 42.5 (Table 6).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.errors import NotApplicable
from ownmark_repair.prune.config import PruneConfig


def prunable(network: nn.Module) -> list[Tensor]:
    """Weights of convolutions (transposed ones too) and linear layers, each tensor once."""
    layers = (m for m in network.modules() if isinstance(m, (_ConvNd, nn.Linear)))
    return list(dict.fromkeys(layer.weight for layer in layers))


def smallest(weights: Sequence[Tensor], sparsity: float) -> list[Tensor]:
    """Masks, True where a weight goes: exactly round(sparsity * n) of the n weights, ties broken by position.

    Args:
        weights: one pool. Returns: bool tensors of the same shapes.
    """
    magnitude = torch.cat([weight.detach().abs().flatten() for weight in weights])
    gone = torch.zeros_like(magnitude, dtype=torch.bool)
    gone[magnitude.argsort(stable=True)[: round(sparsity * len(magnitude))]] = True
    sizes = [weight.numel() for weight in weights]
    return [
        part.reshape(weight.shape) for part, weight in zip(torch.split(gone, sizes), weights, strict=True)
    ]


def pools(weights: Sequence[Tensor], scope: str) -> list[list[Tensor]]:
    """Weights that compete with each other: all of them (`"global"`), or those of each layer."""
    return [list(weights)] if scope == "global" else [[weight] for weight in weights]


def prune(network: nn.Module, sparsity: float, scope: str = "global") -> nn.Module:
    """Zero the smallest weights in place; no masks stay behind.

    Args:
        sparsity: share of the weights in [0, 1]. scope: `"global"` one pool, `"layer"` a pool each.
    """
    for pool in pools(prunable(network), scope):
        for weight, gone in zip(pool, smallest(pool, sparsity), strict=True):
            weight.data.masked_fill_(gone, 0)
    return network


class Prune(Attack):
    """Sets the smallest weights to zero."""

    config: PruneConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The network must have a convolution or a linear layer, and weights must be left."""
        weights = prunable(network)
        if not weights:
            raise NotApplicable("the network has neither convolutions nor linear layers to prune")
        for pool in pools(weights, self.config.scope):
            count = sum(weight.numel() for weight in pool)
            if round(self.config.sparsity * count) >= count:
                which = "the network" if self.config.scope == "global" else "a layer"
                raise NotApplicable(
                    f"a sparsity of {self.config.sparsity:g} prunes all {count} weights of {which}"
                )

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Prune a copy of the stolen network."""
        return Suspect(prune(stolen.copy(), self.config.sparsity, self.config.scope))
