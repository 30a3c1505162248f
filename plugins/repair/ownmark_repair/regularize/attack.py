"""Regularisation (Shafieinejad et al., IH&MMSec 2021, white box; settings of the SoK).

Idea: a mark is learnt with weights that the task does not need; let a strong weight decay take them, then bring the
task back.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Functions: `Regularize` runs both phases; `watching.Best` ends the second.
Symbols: images [N, C, H, W] in [0, 1], labels [N].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy / rescaled watermark accuracy, CIFAR-10, 1,000 images: Content 60.3 / 100 (MIRA paper).
"""

from __future__ import annotations

import torch

from ownmark.contracts import Attack, Fit, Stolen, Suspect, cross_entropy
from ownmark_repair.labels import held_back, labelled
from ownmark_repair.regularize.config import RegularizeConfig
from ownmark_repair.watching import Best


class Regularize(Attack):
    """Shrinks the weights, then fine-tunes until held-back images say stop."""

    config: RegularizeConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Both phases on a copy of the stolen network."""
        from ownmark.loops.callbacks import StopWhen  # imports Lightning, which takes seconds

        config, network = self.config, stolen.copy()
        training, held = held_back(labelled(stolen, config.labels), config.held_back, rng)
        fit(network, training, config.decay, terms=(cross_entropy,))
        best = Best(held, config.patience)
        fit(network, training, config.recipe, terms=(cross_entropy,), callbacks=[StopWhen(best)])
        return Suspect(best.restore(network), {"best_epoch": float(best.epoch), "epochs": float(best.epochs)})
