"""Suspects that know the task and call its classes by other numbers, which costs a thief nothing.

Which number stands for which class is found on one half of the clean images and tried on the other half, so that
finding it proves nothing by itself. No trigger has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ownmark.contracts.samples import Samples
from ownmark.contracts.views import BlackBox, checked_answers
from ownmark.runner.controls import asked
from ownmark.stats import Knowing

Answers = Callable[[Tensor], Any]
SAME = 1e-6
"""Between scores that are the same. A network whose images come in another range may say one label of all of them, and
its scores differ; a service that answers without looking gives the same."""


class Relabelling:
    """A suspect's answers, its labels exchanged once `order` says how.

    Attributes:
        order: int64 [classes], for each label of the suspect the owner's; None changes nothing.
        heard: the labels of the last images that were asked about, as the suspect gave them.
        same: whether it said the very same of all of them, scores included.
    """

    def __init__(self, answer: Answers, classes: int) -> None:
        self._answer, self._classes = answer, classes
        self.order: Tensor | None = None
        self.heard = torch.empty(0, dtype=torch.int64)
        self.same = False

    def __call__(self, x: Tensor) -> Tensor:
        """See `BlackBox`."""
        found = checked_answers(self._answer(x), len(x), self._classes)
        self.heard = (found.argmax(1) if found.ndim == 2 else found.long()).cpu()
        self.same = len(found) > 1 and bool((found - found[:1]).abs().max() <= SAME)
        if self.order is None:
            return found
        order = self.order.to(found.device)
        if found.ndim == 1:
            return order[found.long()]
        return torch.empty_like(found).index_copy_(1, order, found)


def introduced(
    box: BlackBox, turned: Relabelling, controls: Samples, reference: int | None
) -> tuple[Knowing, bool]:
    """What a suspect knows of the controls, under other labels if it must be; and whether it answers one label only."""
    knowing = asked(box, controls, reference)
    heard = turned.heard
    constant = turned.same
    if knowing.knows or not knowing.powerful or constant:
        return knowing, constant
    labels, classes = controls.labels.cpu(), box.classes or int(controls.labels.max()) + 1
    order = tried = None
    places = torch.argsort(labels, stable=True)
    halves = places[0::2], places[1::2]
    for fitted, left in (halves, halves[::-1]):
        order = order_between(heard[fitted], labels[fitted], classes)
        right = int((order[heard[left]] == labels[left]).sum())
        share = None if reference is None else round(reference * len(left) / len(labels))
        tried = Knowing(right, len(left), int(labels[left].bincount().max()), share)
        if not tried.knows:
            return knowing, constant
    turned.order = order_between(heard, labels, classes)
    right = int((turned.order[heard] == labels).sum())
    return Knowing(right, knowing.n, knowing.constant, reference), constant


def order_between(heard: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The one-to-one order [classes] under which most of what was heard is right; itself where it is told nothing."""
    counts = torch.zeros(classes, classes)
    counts.index_put_((heard, labels), torch.ones(len(labels)), accumulate=True)
    counts += torch.eye(classes) * 0.5
    suspects, owners = linear_sum_assignment(-counts.numpy())
    order = torch.empty(classes, dtype=torch.int64)
    order[torch.as_tensor(suspects)] = torch.as_tensor(owners)
    return order
