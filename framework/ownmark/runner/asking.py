"""What a task's metrics are fed: which questions its networks are asked, and what the answers are held against."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Goal
from ownmark.contracts.views import outputs
from ownmark.methods import Need
from ownmark.runner.cell import TaskSpec
from ownmark.runner.making import Making

Feeds = Mapping[Need, Callable[[], tuple[Any, ...]]]
JUDGED = {
    Goal.CLASSIFICATION: Need.PREDICTIONS, Goal.GENERATION: Need.GENERATED, Goal.CAPTIONING: Need.CAPTIONS,
}  # fmt: skip
"""What metrics of a goal's answers need."""
OF_ANSWERS = frozenset({*JUDGED.values(), Need.REFERENCE})
"""Needs of metrics that judge answers, and so fit one goal; the others fit any."""


class Asked:
    """A network's answers on test samples, asked for once and when needed.

    Args:
        network: makes it. test: what it is judged on.
    """

    def __init__(
        self, making: Making, task: TaskSpec, network: Callable[[], nn.Module], test: Samples
    ) -> None:
        self._making, self._task, self._network, self._test = making, task, network, test

    @functools.cached_property
    def answers(self) -> Tensor:
        """Logits [N, classes], images [N, C, H, W] or token ids [N, L]."""
        return outputs(self._network(), self._making.tasks.questions(self._task, self._test))

    @property
    def feeds(self) -> Feeds:
        """The one kind of metric that judges such answers, with its arguments."""
        goal = self._making.tasks.goal(self._task)
        wanted = self._test.x if goal is Goal.GENERATION else self._test.labels
        return {JUDGED[goal]: lambda: (self.answers, wanted)}


def fits_goal(needs: frozenset[Need], goal: Goal) -> bool:
    """Whether a metric can be fed on a task of this goal."""
    of_answers = needs & OF_ANSWERS
    return (
        not of_answers
        or JUDGED[goal] in of_answers
        or (Need.REFERENCE in of_answers and goal is Goal.CLASSIFICATION)
    )
