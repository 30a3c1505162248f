"""Neural attention distillation (Li et al., ICLR 2021; full title in `papers.NAD`).

Idea: a fine-tuned copy has lost some of the mark; teach the stolen network to look where that copy looks.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Equations: A = sum_c |F_c|^p, normalised, is `attention`; CE + sum_l beta ||A_s - A_t||^2 is `Attentive`.
Symbols: feature maps [B, K, h, w]; attention [B, h w].
Deviations: see the declaration in `__init__` and the method card.
Reported: of fresh triggers are left, CIFAR-10: Content 48.14 %, Noise 3.88 %, Unrelated 2.76 % (APP paper, Table 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Fit, Stolen, Suspect, cross_entropy, evaluating
from ownmark_repair.labels import labelled
from ownmark_repair.maps import captured, stages
from ownmark_repair.nad.config import NadConfig


def attention(maps: Tensor, power: float) -> Tensor:
    """Where a map [B, K, h, w] is active: [B, h w], each row divided by its length."""
    summed = maps.float().abs().pow(power).sum(1).flatten(1)
    return summed / (summed.norm(dim=1, keepdim=True) + 1e-6)


class Attentive:
    """Loss term: cross entropy, and beta times the mean squared distance of attention at each layer.

    Args:
        teacher: in eval mode, never changed. layers: compared ones, present in both networks.
    """

    def __init__(self, teacher: nn.Module, layers: Sequence[str], beta: float, power: float) -> None:
        self._teacher = teacher
        self._layers = layers
        self._beta = beta
        self._power = power

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The term on one step."""
        with captured(network, self._layers) as seen:
            loss = F.cross_entropy(network(batch.x).float(), batch.labels)
        with captured(self._teacher, self._layers) as wanted, evaluating(self._teacher):
            self._teacher(batch.x)
        for layer in self._layers:
            pair = (attention(maps[layer], self._power) for maps in (seen, wanted))
            loss = loss + self._beta * F.mse_loss(*pair)
        return loss


class Nad(Attack):
    """Fine-tunes a teacher, and teaches the stolen network its attention."""

    config: NadConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The layers to compare must be there."""
        stages(network, shape, self.config.layers)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Teacher and student are both copies of the stolen network."""
        config, samples = self.config, labelled(stolen, self.config.labels)
        layers = list(
            dict.fromkeys(place.name for place in stages(stolen.network, stolen.shape, config.layers))
        )
        teacher = fit(stolen.copy(), samples, config.teacher, terms=(cross_entropy,))
        teacher.requires_grad_(False)
        term = Attentive(teacher, layers, config.beta, config.power)
        student = fit(stolen.copy(), samples, config.recipe, terms=(term,))
        return Suspect(student, {"layers": ", ".join(layers)})
