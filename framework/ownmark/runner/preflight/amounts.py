"""Problems of what attackers are given with the data that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ownmark.errors import OwnmarkError
from ownmark.methods import Need
from ownmark.runner.cell import TaskSpec
from ownmark.runner.fitting import Place
from ownmark.runner.making import Making
from ownmark.runner.plan import Given, Plan
from ownmark.runner.plan import given as given_to
from ownmark.runner.preflight.walking import Found, needs_of_entry
from ownmark.runner.splits import Splits, amount, transferable


def amount_problems(plan: Plan, making: Making, task: TaskSpec, broken: Collection[Place]) -> Iterator[Found]:
    """Attackers that would get no images, or more than there are."""
    splits = making.tasks.splits(task.dataset)
    for position, entry in enumerate(plan.attacks):
        place = ("attacks", position)
        if place in broken:
            continue
        given = given_to(plan, entry)
        source = splits.owner if given.source == "owner" else splits.pool
        try:
            count = amount(given, len(source), len(splits.owner))
        except OwnmarkError as error:
            yield place, f"{entry.id} on {task.label}: {error}"
            continue
        needs = needs_of_entry(making.methods.catalog, entry)
        if (
            count == 0
            and given.data != "none"
            and (Need.LABELS in needs or (Need.DATA in needs and not given.transfer))
        ):
            yield place, f"{entry.id} on {task.label}: {given.data} of {len(splits.owner)} images is none"
        if given.transfer and ("transfer",) not in broken:
            yield from (
                (place, f"{entry.id}: {problem}") for problem in _transfer_problems(making, given, splits)
            )


def _transfer_problems(making: Making, given: Given, splits: Splits) -> Iterator[str]:
    if making.transfer is None:
        return
    try:
        images = making.methods.images(making.transfer)
    except OwnmarkError as error:
        yield f"transfer images: {error}"
        return
    if given.transfer > len(images.train):
        yield f"it is given {given.transfer} transfer images, and {making.transfer.label} has {len(images.train)}"
    if problem := transferable(images, splits.shape, splits.inputs):
        yield problem
