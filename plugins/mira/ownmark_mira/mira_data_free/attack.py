"""MIRA without data: Lu et al., arXiv:2309.03466, sections 5.2 and 6.2 (3).

Idea: as `mira`, with Equation 6 without its first term; the normal pictures of the target class keep the task alive.
Threat model: the thief holds the weights and no image at all. Only a mark with one target class can be attacked so.
Functions: those of `mira`; `unlearning.fixed_target_set` makes all of the training data, with `objective: soft`
`soft`.
Symbols: recovered pictures [C, M, channels, H, W] in [0, 1].
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10: accuracy 88.6 to 90.7 %, rescaled watermark accuracy 5.7 to 48.3 % (Table 6).
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.contracts.views import device_of
from ownmark_mira.inversion import invert
from ownmark_mira.mira_data_free.config import MiraDataFreeConfig
from ownmark_mira.pipeline import (
    check_host,
    check_units,
    examine,
    shown,
    start_noise,
    told,
    unlearn,
    unlearn_softly,
)


class MiraDataFree(Attack):
    """Recovers, then unlearns with nothing but what it recovered."""

    config: MiraDataFreeConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be two classes and features to split by."""
        check_host(network, shape, classes, self.config.layer)
        check_units(self.config.mean, self.config.std, shape)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Invert every class, and unlearn the target's watermark-like pictures if there is a target."""
        config = self.config
        start = start_noise((stolen.classes, config.samples, *stolen.shape), rng, device_of(stolen.network))
        recovered = invert(stolen.network, start, config, config.recipe.precision)
        examined = examine(stolen.network, recovered, config, rng)
        exhibits = shown(stolen.network, recovered, config.exhibited) | told(examined, config.exhibited)
        if not examined.finding.fixed:
            return Suspect(
                stolen.copy(), {**exhibits, "outcome": "no target class stands out; nothing unlearned"}
            )
        if config.objective == "soft":
            network = unlearn_softly(stolen, recovered, examined, None, config, fit, rng)
            return Suspect(network, exhibits)
        pictures = examined.forgetting(rng)
        marked, normal = pictures, None
        if config.batches == "authors":
            count = examined.watermark.shape[1]
            marked, normal = (
                pictures.select(torch.arange(*run)) for run in ((0, count), (count, len(pictures)))
            )
        network = unlearn(stolen, marked, config.recipe, fit, auxiliary=normal, norms=config.norms)
        return Suspect(network, exhibits)
