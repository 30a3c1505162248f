"""Adversarial neuron pruning (Wu and Wang, NeurIPS 2021; full title in `papers.ANP`).

Idea: the neurons of a marked network that answer to triggers are the first to give way when neurons are perturbed. Find
a mask over neurons with which the network withstands perturbation, and prune what the mask leaves out.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Equations: min_m [alpha L(m) + (1 - alpha) max L(m + delta, 1 + xi)] is `masks.AdversarialMasks`; pruning `masks.prune`.
Symbols: m, delta, xi [channels] of each BatchNorm.
Deviations: see the declaration in `__init__` and the method card.
Reported: of fresh triggers are left, CIFAR-10: Content 25.34 %, Noise 14.52 %, Unrelated 22.31 % (APP paper, Table 1).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.errors import NotApplicable
from ownmark_repair.anp.config import AnpConfig
from ownmark_repair.anp.masks import AdversarialMasks, clamp, prunable_norms, prune, with_masks
from ownmark_repair.labels import accuracy, held_back, labelled

GRID = tuple(i / 20 for i in range(20))
"""Thresholds that are tried: 0, .05 .. .95."""


NOTHING = (
    "masks that training pushed to 0 already cost more than `drop` on held-back images: nothing is pruned"
)


def largest_threshold(pruned: Callable[[float], float], unpruned: float, drop: float) -> float | None:
    """The largest threshold of the grid up to which no accuracy falls below `unpruned - drop`; None if 0 falls below.

    Args:
        pruned: accuracy on held-back images once neurons up to a threshold are gone.
    """
    best = None
    for threshold in GRID:
        if pruned(threshold) < unpruned - drop:
            break
        best = threshold
    return best


class Anp(Attack):
    """Prunes neurons whose adversarially trained mask is small."""

    config: AnpConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be BatchNorms with scale and shift to put masks on."""
        if not prunable_norms(network):
            raise NotApplicable("anp masks the scales of BatchNorm, and the network has none")

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Train masks on a copy of the stolen network, and prune another copy with them."""
        config = self.config
        if config.recipe.epochs == 0:
            return Suspect(stolen.copy())
        samples = held = labelled(stolen, config.labels)
        if config.threshold is None:
            samples, held = held_back(samples, config.held_back, rng)
        student = stolen.copy()
        masked = with_masks(student)
        term = AdversarialMasks(masked, config.epsilon, config.steps, config.alpha, config.project, fit.rng)
        fit(student, samples, config.recipe, terms=(term,), trains=lambda name: name.endswith(".mask"))
        clamp(masked)
        masks = [one.mask.detach() for one in masked]

        def left(threshold: float) -> float:
            return accuracy(prune(stolen.copy(), masks, threshold), held)

        threshold = config.threshold
        if threshold is None:
            threshold = largest_threshold(left, accuracy(stolen.network, held), config.drop)
        neurons = float(sum(map(len, masks)))
        if threshold is None:
            idle = {"pruned": 0.0, "neurons": neurons, "reach": 0.0, "left_alone": NOTHING}
            return Suspect(stolen.copy(), idle)
        gone = float(sum(int((mask <= threshold).sum()) for mask in masks))
        counts = {"threshold": threshold, "pruned": gone, "neurons": neurons}
        return Suspect(prune(stolen.copy(), masks, threshold), counts)
