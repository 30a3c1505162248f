"""Mode connectivity repair (Zhao et al., ICLR 2020; with one network as in the APP paper).

Idea: a curve of low loss connects the stolen network with a fine-tuned copy, and its points between them know the task
better than they know the mark.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Equations: phi(t) is `curve.bezier`; E_t CE(phi(t)) is `curve.Curve` under the task's loss.
Symbols: theta_0, theta_1, theta_2 one tensor a parameter; t in [0, 1].
Deviations: see the declaration in `__init__` and the method card.
Reported: of fresh triggers are left, CIFAR-10: Content 16.56 %, Noise 10.99 %, Unrelated 10.91 % (APP paper, Table 1).
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect, cross_entropy
from ownmark.loops import remeasure
from ownmark_repair.labels import held_back, labelled
from ownmark_repair.mcr.config import McrConfig
from ownmark_repair.mcr.curve import Curve, short_weights


def placed(network: nn.Module, curve: Curve, t: float) -> nn.Module:
    """The network, in place, with the curve's parameters at t."""
    point = curve.at(t)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(point[name])
    return network


class Mcr(Attack):
    """Fine-tunes one end, trains the curve between, and takes a point near that end."""

    config: McrConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """One half of the images for the far end, one for the curve, all for BatchNorm's statistics."""
        config = self.config
        if config.t == 0:
            return Suspect(stolen.copy())
        samples = labelled(stolen, config.labels)
        first, second = held_back(samples, 0.5, rng)
        end = fit(stolen.copy(), first, config.end, terms=(cross_entropy,))
        curve = Curve(stolen.network, end)
        terms = (cross_entropy, short_weights(config.decay)) if config.decay else (cross_entropy,)
        fit(curve, second, config.recipe, terms=terms, trains=lambda name: name.startswith("middle."))
        return Suspect(remeasure(placed(end, curve, config.t), samples.x, config.passes))
