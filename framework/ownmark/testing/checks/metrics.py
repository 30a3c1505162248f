"""Checks of metrics, on inputs of the form that their declaration asks for."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from ownmark.methods import Kind, Need
from ownmark.testing.check import CheckSkipped, check, require
from ownmark.testing.checks.declared import INPUTS
from ownmark.testing.subject import Subject
from ownmark.testing.workbench import Workbench

Arguments = tuple[Any, ...]


def perfect_and_worst(bench: Workbench, need: Need) -> tuple[Arguments, Arguments]:
    """Arguments of `update` for a faultless suspect and for one that is wrong throughout."""
    labels = bench.splits.test.labels[:100]
    right, wrong = (20 * F.one_hot((labels + shift) % 10, 10).float() for shift in (0, 1))  # logits
    yes, no = torch.ones(100, dtype=torch.bool), torch.zeros(100, dtype=torch.bool)
    network, stranger = bench.trained(), bench.nulls[0]
    images = bench.splits.test.first(100).x
    texts = torch.randint(1, 8, (100, 2, 9), generator=torch.Generator().manual_seed(0))
    return {
        Need.PREDICTIONS: ((right, labels), (wrong, labels)),
        Need.REFERENCE: ((right, right), (wrong, right)),
        Need.EVIDENCE: ((yes,), (no,)),
        Need.THRESHOLD: ((yes, 0.5), (no, 0.5)),
        Need.WEIGHTS: ((network, network), (stranger, network)),
        Need.CAPTIONS: ((texts[:, 0], texts), (texts[:, 0] % 7 + 8, texts)),
        Need.GENERATED: ((images, images), (torch.rand(images.shape, generator=torch.Generator()), images)),
    }[need]


def _value(subject: Subject, arguments: Arguments) -> float:
    subject.instance.reset()
    subject.instance.update(*arguments)
    return float(subject.instance.compute())


def _values(subject: Subject) -> tuple[float, float]:
    need = next((need for need in INPUTS if need in subject.declaration.needs), None)
    if need is None:
        raise CheckSkipped("it does not say what its update takes")
    perfect, worst = perfect_and_worst(subject.bench, need)
    return _value(subject, perfect), _value(subject, worst)


@check(Kind.METRIC)
def metric_declares_its_direction(subject: Subject) -> None:
    """`higher_is_better` is True or False."""
    direction = subject.instance.higher_is_better
    require(
        isinstance(direction, bool), f"{subject.label}: higher_is_better is {direction}; set True or False"
    )


@check(Kind.METRIC)
def metric_tells_perfect_from_worst(subject: Subject) -> None:
    """A faultless suspect gets a better value than one that is wrong throughout."""
    perfect, worst = _values(subject)
    better = perfect > worst if subject.instance.higher_is_better else perfect < worst
    require(
        better,
        f"{subject.label}: {perfect:g} for a faultless suspect and {worst:g} for one that is always wrong; look at "
        "update, or at higher_is_better",
    )


@check(Kind.METRIC)
def metric_stays_within_bounds(subject: Subject) -> None:
    """Values are finite, and proportions (metrics that count hits) lie in [0, 1]."""
    metric = subject.instance
    counts = hasattr(metric, "hits")
    low = 0.0 if counts else getattr(metric, "plot_lower_bound", None)
    high = 1.0 if counts else getattr(metric, "plot_upper_bound", None)
    for value in _values(subject):
        inside = (low is None or value >= low) and (high is None or value <= high)
        require(
            math.isfinite(value) and inside,
            f"{subject.label} gives {value:g}; expected a number from {low} to {high}",
        )


@check(Kind.METRIC)
def metric_forgets_on_reset(subject: Subject) -> None:
    """After `reset` the same input gives the same value as at first."""
    first = _values(subject)
    again = _values(subject)
    require(first == again, f"{subject.label}: {first} at first, {again} after a reset; use add_state")
