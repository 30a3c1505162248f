"""What a mark costs, and whether what it leaves is worth releasing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ownmark.contracts.views import predictions
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.foreign import shown
from ownmark.methods import Kind
from ownmark.runner.cell import Cell
from ownmark.runner.session import Session
from ownmark.stats import binomial_tail
from ownmark.stats.shuffled import shuffled_p_value

MAX_LOSS = 0.01
"""Utility that a mark may cost a network that was trained already, where nothing else is said."""
CHANCE = 0.01
"""Chance of one answer to everything to pass for a network that knows its task."""


def utility_of(session: Session, cell: Cell) -> dict[str, Any]:
    """Metric, and its value for the host and the marked network; `constant`: of one answer to everything."""
    reading, engine = session.reading, session.engine
    metric = reading.utility_metric(cell.task).declaration.id
    host, marked = (
        engine.get(node).values for node in (reading.host_utility(cell), reading.marked_utility(cell))
    )
    found = {"metric": metric, "host": host["value"], "marked": marked["value"]}
    labels = session.making.tasks.splits(cell.task.dataset).test.y
    if metric == "accuracy" and labels is not None and "hits" in marked:
        found |= {"n": marked["n"], "hits": marked["hits"], "constant": int(labels.bincount().max())}
    better = marked.get("higher_is_better", True)
    return found | {"loss": (found["host"] - found["marked"]) * (1 if better else -1)}


def chance_of_answers(session: Session, cell: Cell) -> float:
    """Chance that the marked network's answers to the test images, shuffled over these, are right as often."""
    splits = session.making.tasks.splits(cell.task.dataset)
    labels, classes = splits.test.labels, splits.classes
    answers = predictions(session.making.marked_network(cell), splits.test.x).to(labels.device)
    counts = torch.bincount(answers * classes + labels, minlength=classes**2).view(classes, classes)
    return shuffled_p_value(counts.tolist())


def require_share(max_loss: float | None) -> None:
    """A limit that is one; nan would allow anything.

    Raises:
        OwnmarkError: it is no share of utility.
    """
    if max_loss is None:
        return
    if not isinstance(max_loss, int | float) or not -1 <= max_loss <= 1:
        raise OwnmarkError(
            f"--max-loss {shown(max_loss, 40)}: expected a share of utility, 0.01 say, 1 at most"
        )


def allowed_loss(session: Session, cell: Cell, asked: float | None) -> float | None:
    """The limit that was asked for; or that of trained weights; None where the plan trains the network."""
    if asked is not None:
        return asked
    host = session.making.methods.get(Kind.HOST, cell.task.host).instance
    return MAX_LOSS if host.fingerprint(f"seed {session.making.own_seed(cell)}") else None


def require_worth(
    utility: Mapping[str, Any], max_loss: float | None, chance_of_answers: Callable[[], float]
) -> None:
    """Refuse a network that the mark spoilt, or that never knew its task.

    Args:
        utility: from `utility_of`.
        chance_of_answers: asked only where the number of right answers does not beat the most frequent label, as where
            one class is rare.

    Raises:
        NotApplicable: with both values.
    """
    metric, host, marked = utility["metric"], utility["host"], utility["marked"]
    told = f"{metric} {host:.3f} before, {marked:.3f} after"
    if max_loss is not None and utility["loss"] > max_loss + 1e-9:
        raise NotApplicable(
            f"the mark costs {utility['loss']:.3f} of {metric} ({told}), and at most {max_loss:g} is allowed; embed "
            "more gently (a lower `lr`, or `clip: 1`, in the scheme's recipe), train longer, or allow more "
            "(`max_loss`, --max-loss). Nothing was released"
        )
    if "n" not in utility:
        return
    n, share = utility["n"], utility["constant"] / utility["n"]
    if binomial_tail(utility["hits"], n, share) >= CHANCE and chance_of_answers() >= CHANCE:
        if utility["hits"] == n:
            raise NotApplicable(
                f"the network answers all {n} test images rightly, and these are too few, or too much alike, to tell "
                "it from one answer to everything; test it on more, of every class. Nothing was released"
            )
        raise NotApplicable(
            f"the network knows no more of its task than one answer to everything ({told}); train it first. Nothing "
            "was released"
        )
