"""Retraining (SoK), or model extraction: a new network learns from the answers of the stolen one.

Idea: whoever may ask need not steal. The copy never sees a weight or a trigger.
Threat model: the thief asks about images, in-distribution or not, within a budget, and gets scores or labels.
Functions: `asked` spends the queries, `towards` is the loss.
Symbols: answers [N, classes], probabilities or one-hot.
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Fit, Host, Samples, Stolen, Suspect, Term
from ownmark.contracts.views import BlackBox, Shape
from ownmark.errors import NotApplicable
from ownmark_repair.retrain.config import RetrainConfig
from ownmark_repair.students import built, restored


def asked(box: BlackBox, x: Tensor, classes: int, answers: str) -> Tensor:
    """What the stolen network says of images x: probabilities [n, classes], or its labels as such.

    Where it turns out to give labels only, the first image, which found that out, has no answer: n is one less.
    """
    if answers == "auto":
        try:
            first = box.probabilities(x[:1])
        except NotApplicable:
            return F.one_hot(box.predict(x[1:]), classes).float()
        return torch.cat([first, box.probabilities(x[1:])]).float() if len(x) > 1 else first.float()
    return box.probabilities(x).float() if answers == "scores" else F.one_hot(box.predict(x), classes).float()


def affordable(samples: Samples, box: BlackBox) -> Samples:
    """As many of the images as may be asked about."""
    left = len(samples) if box.budget is None else max(0, box.budget - box.queries)
    if left == 0:
        raise NotApplicable("retraining asks about images, and the plan grants no queries")
    return samples.select(torch.arange(min(left, len(samples))))


def towards(wanted: Tensor) -> Term:
    """Loss term: cross entropy against the answers [N, classes] of a batch's images, by position."""

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        target = wanted.to(batch.x.device)[batch.index.to(batch.x.device)]
        return -(target * batch.output(network).float().log_softmax(1)).sum(1).mean()

    return term


class Retrain(Attack):
    """Trains a network of the thief's choice on the stolen one's answers.

    Args:
        host: what is trained.
    """

    config: RetrainConfig

    def __init__(self, config: Any = None, *, host: Host) -> None:
        super().__init__(config)
        self._host = host

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The host must take the task's images."""
        built(self._host, shape, classes, torch.Generator().manual_seed(0))

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Ask once about each image, then train."""
        samples = stolen.data if stolen.data is not None else stolen.transfer
        if samples is None:
            raise NotApplicable("retraining asks about images, and the plan's attacker is granted none")
        box = stolen.box
        samples = affordable(samples.unlabelled(), box)
        wanted = asked(box, samples.x, stolen.classes, self.config.answers).cpu()
        samples = samples.select(torch.arange(len(samples) - len(wanted), len(samples)))
        student = built(self._host, stolen.shape, stolen.classes, rng)
        return Suspect(fit(student, samples, self.config.recipe, terms=(towards(wanted),)))

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """The network that was trained, of its own architecture."""
        return restored(self._host, state, shape, classes)
