"""Distillation (Hinton et al. 2015, as an attack of the SoK): a student learns the stolen network's logits.

Idea: the student sees what the network says of ordinary images, and never its weights or a trigger.
Threat model: the thief holds the weights and unlabelled images.
Functions: `students.imitating` is the loss, `students.renewed` and `students.built` make the student.
Symbols: logits [B, classes].
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Fit, Host, Stolen, Suspect, evaluating
from ownmark.contracts.views import Shape
from ownmark_repair.distill.config import DistillConfig
from ownmark_repair.students import built, imitating, renewed, restored


class Distill(Attack):
    """Trains a student on the stolen network's logits.

    Args:
        host: the student's, if it is of another architecture.
    """

    config: DistillConfig

    def __init__(self, config: Any = None, *, host: Host | None = None) -> None:
        super().__init__(config)
        self._host = host

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The student's host must take the task's images."""
        if self._host is not None:
            built(self._host, shape, classes, torch.Generator().manual_seed(0))

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Train a newly made student; labels are not looked at."""
        teacher, samples = stolen.network, stolen.images().unlabelled()
        if self._host is None:
            student = renewed(stolen.network, rng)
        else:
            student = built(self._host, stolen.shape, stolen.classes, rng)

        def answers(batch: Batch) -> Tensor:
            with evaluating(teacher.to(batch.x.device)):
                found: Tensor = teacher(batch.x)
            return found

        return Suspect(
            fit(student, samples, self.config.recipe, terms=(imitating(answers, self.config.temperature),))
        )

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """The student, of its own architecture."""
        if self._host is None:
            return super().restore(network, state, shape, classes)
        return restored(self._host, state, shape, classes)
