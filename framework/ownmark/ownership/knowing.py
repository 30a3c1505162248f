"""Clean images that suspects will be asked about: the owner's test images, or others that the owner chooses.

A service sees these images. Public ones tell it nothing of the owner's data.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ownmark.contracts.samples import Samples
from ownmark.contracts.views import black_box
from ownmark.discovery import Catalog, discover
from ownmark.errors import DataError, NotApplicable
from ownmark.ownership import data
from ownmark.ownership.stealing import spelled
from ownmark.runner.cell import Cell
from ownmark.runner.controls import are_classes, asked, draw_controls
from ownmark.runner.seeds import rng_for
from ownmark.runner.session import Session
from ownmark.stats import Knowing


@dataclass(frozen=True)
class Kept:
    """Images that the owner keeps for controls, and what the marked network knows of them.

    Args:
        images: none for tasks without classes. knows: None where they are the plan's own, which are read already.
    """

    images: Samples
    knows: Knowing | None = None


def images_of(dataset: str, catalog: Catalog | None = None) -> Samples:
    """All images of a dataset, written as in a plan.

    Raises:
        PlanError: no such dataset, or parameters that it does not take.
    """
    catalog, spec = catalog or discover(), spelled(dataset, "dataset")
    found = data.images_of(catalog, spec)
    return found.train + found.test


def from_training(session: Session, cell: Cell, controls: Samples) -> int:
    """How many of the plan's controls the network was trained on: where a class has too few test images."""
    splits = session.making.tasks.splits(cell.task.dataset)
    if not len(controls):
        return 0
    asked, tested = (part.labels.cpu().bincount(minlength=splits.classes) for part in (controls, splits.test))
    return int((asked - tested).clamp(min=0).sum())


def kept_controls(session: Session, cell: Cell, given: Samples | None) -> Kept:
    """The controls of a mark.

    Args:
        given: labelled images of the task; about a hundred of them are taken. None takes the plan's.

    Raises:
        DataError: images or labels that are none of this task.
        NotApplicable: the marked network does not know them.
    """
    splits = session.making.tasks.splits(cell.task.dataset)
    none = splits.owner.first(0).labelled(torch.zeros(0, dtype=torch.int64))
    if given is None:
        own = session.reading.controls(cell)
        return Kept(none if own is None else own)
    if not are_classes(given) or not are_classes(splits.test):
        raise DataError("controls: expected images with labels, of a task with classes")
    if tuple(given.x.shape[1:]) != splits.shape or int(given.labels.max()) >= splits.classes:
        raise DataError(
            f"controls: images of {tuple(given.x.shape[1:])} with labels up to {int(given.labels.max())}; the task has "
            f"{splits.shape} and {splits.classes} classes"
        )
    given = given.to(splits.owner.x.device)
    images = draw_controls(given, none, splits.classes, rng_for("controls", session.making.own_seed(cell)))
    box = black_box(session.making.marked_network(cell))
    first = asked(box, images, None)
    knows = Knowing(first.right, first.n, first.constant, first.right)
    if not knows.knows:
        raise NotApplicable(
            f"controls: {knows.reason or 'the network does not know them'} ({first.right} of {first.n} right). Give "
            "images of the task, labelled as the network was trained. Nothing was released"
        )
    return Kept(images, knows)
