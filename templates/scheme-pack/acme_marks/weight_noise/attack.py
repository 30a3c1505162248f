"""Noise on the weights: an example of an attack that needs no data.

Idea: a mark that lives in small differences of weights drowns in noise; a network's task may not.
Threat model: the thief holds the weights and no data.
Symbols: w a parameter, s its standard deviation; w' = w + amount * s * n with n ~ N(0, 1) is `noisy`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from acme_marks.weight_noise.config import WeightNoiseConfig
from ownmark.contracts import Attack, Fit, Stolen, Suspect


def noisy(weight: Tensor, amount: float, rng: torch.Generator) -> Tensor:
    """w + amount * s * n, same shape; the noise is drawn on the generator's device."""
    noise = torch.randn(weight.shape, generator=rng, device=rng.device).to(weight)
    return weight + amount * weight.std(correction=0) * noise


class WeightNoise(Attack):
    """Adds noise to every parameter."""

    config: WeightNoiseConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Change the thief's own copy."""
        with torch.no_grad():
            for parameter in stolen.network.parameters():
                parameter.copy_(noisy(parameter, self.config.amount, rng))
        return Suspect(stolen.network)
