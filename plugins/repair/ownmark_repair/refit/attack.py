"""REFIT (Chen et al., AsiaCCS 2021; full title in `papers.REFIT`).

Idea: fine-tune at a rate that leaves the place where the mark was put, and decay it. Elastic weights hold what the task
needs, and unlabelled images stand in for labelled ones that the thief lacks.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network, and perhaps
unlabelled images of another kind.
Equations: the Fisher information is `fisher.fisher`, the penalty `fisher.elastic`; `joined` adds unlabelled images.
Symbols: theta, F one tensor a parameter; images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__` and the method card.
Reported: none at hand but MIRA's re-run of the schedule (Table 4, Finetuning).
"""

from __future__ import annotations

import math

import torch

from ownmark.contracts import (
    Attack,
    Batch,
    Fit,
    Samples,
    Stolen,
    Suspect,
    Term,
    Transform,
    cross_entropy,
    predictions,
)
from ownmark.errors import NotApplicable
from ownmark.loops import rate_factor
from ownmark_repair.labels import labelled
from ownmark_repair.refit.config import RefitConfig
from ownmark_repair.refit.fisher import elastic, fisher


def joined(extra: Samples, count: int) -> Transform:
    """A batch transform that appends `count` distinct images of a labelled set, drawn anew each step."""

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        chosen = torch.randperm(len(extra), generator=rng, device=rng.device)[:count]
        return batch.append(extra.select(chosen))

    return append


class Refit(Attack):
    """Fine-tunes with a decaying rate, elastic weights and unlabelled images, as configured."""

    config: RefitConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Train a copy of the stolen network on."""
        config, network = self.config, stolen.copy()
        samples = labelled(stolen, config.labels)
        transforms = [joined(self._unlabelled(stolen), config.unlabelled)] if config.unlabelled else []
        terms: list[Term] = [cross_entropy]
        if config.ewc > 0 and config.recipe.epochs > 0:
            terms.append(self._elastic(stolen, samples, rng))
        return Suspect(fit(network, samples, config.recipe, terms=terms, transforms=transforms))

    def _unlabelled(self, stolen: Stolen) -> Samples:
        if stolen.transfer is None:
            raise NotApplicable("`unlabelled` takes transfer images, and the attacker is granted none")
        labels = predictions(stolen.network, stolen.transfer.x)
        return stolen.transfer.labelled(labels)

    def _elastic(self, stolen: Stolen, samples: Samples, rng: torch.Generator) -> Term:
        config = self.config
        recipe, steps = (
            config.recipe,
            config.recipe.epochs * math.ceil(len(samples) / config.recipe.batch_size),
        )
        chosen = torch.randperm(len(samples), generator=rng, device=rng.device)[: config.fisher_samples]
        importance = fisher(stolen.network, samples.select(chosen.to(samples.device)).x, rng)
        start = {name: value.detach().clone() for name, value in stolen.network.named_parameters()}
        return elastic(
            start, importance, config.ewc, lambda step: recipe.lr * rate_factor(recipe, step, steps)
        )
