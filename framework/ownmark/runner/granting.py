"""What a plan's attacker is handed: the plan's grant, narrowed to what the attack declares that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from torch import nn

from ownmark.contracts.fit import cross_entropy
from ownmark.contracts.samples import Samples, Term
from ownmark.contracts.tasks import PIXELS, Goal, Inputs, Shape
from ownmark.contracts.views import Stolen, black_box
from ownmark.contracts.withheld import Withheld
from ownmark.methods import Need
from ownmark.runner.plan import Given

_IMAGES = frozenset({Need.DATA, Need.LABELS, Need.MAY_USE_DATA})


def narrowed(given: Given, needs: frozenset[Need]) -> Given:
    """What an attack with these needs is handed of a grant: no images, copies or queries that it does not use."""
    if not needs & _IMAGES:
        given = replace(given, protocol="", data="none", labels=False, transfer=0)
    if Need.BLACK_BOX in needs:
        access = "scores" if given.access == "weights" else given.access
        return replace(given, access=access, copies=1)
    return replace(given, queries=None, copies=given.copies if Need.COPIES in needs else 1)


def access_problems(given: Given, needs: frozenset[Need], name: str) -> Iterator[str]:
    """What an attack needs to reach and the plan does not grant."""
    if Need.BLACK_BOX not in needs and given.access != "weights":
        yield (
            f"attack {name} works on the weights, but its attacker is granted {given.access} only; set "
            "attacker.access: weights, or take an attack that needs black-box access (`ownmark show`)"
        )
    if Need.TRANSFER in needs and not given.transfer:
        yield f"attack {name} needs transfer images, but its attacker is given none; set attacker.transfer"
    if Need.SCORES in needs and given.access == "labels":
        yield f"attack {name} needs class probabilities, but its attacker is granted labels only; set access: scores"
    if Need.COPIES in needs and given.copies < 2:
        yield f"attack {name} needs several marked copies of a host; set attacker.copies to 2 or more"


def stolen(
    network: nn.Module,
    given: Given,
    shape: Shape,
    classes: int,
    data: Samples | None = None,
    transfer: Samples | None = None,
    others: Callable[[], Sequence[nn.Module]] = tuple,
    inputs: Inputs = PIXELS,
    goal: Goal = Goal.CLASSIFICATION,
    terms: Sequence[Term] = (cross_entropy,),
) -> Stolen:
    """The marked network as an attacker with this (narrowed) grant gets it.

    Args:
        network: a private copy of the marked network, in eval mode. others: makes the further marked copies.
        inputs, goal, terms: of the task.
    """
    about = Stolen(Withheld(), shape, classes, data, transfer, inputs=inputs, goal=goal, terms=terms)
    if given.access == "weights":
        return replace(about, network=network, others=tuple(others()) if given.copies > 1 else ())
    box = black_box(network, given.queries, labels_only=given.access == "labels", goal=goal)
    return replace(about, queried=box)
