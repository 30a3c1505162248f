"""What a metric gives becomes a number in a record, or a sentence that names the metric."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.measuring import measured
from ownmark.runner.resolve import Method


def metric(gives: Any) -> Method:
    instance = SimpleNamespace(
        reset=lambda: None, update=lambda *fed: None, compute=lambda: gives, higher_is_better=True
    )
    declared = Declaration(id="gap", kind=Kind.METRIC, target="nowhere:Gap", summary="a gap")
    return Method(declared, instance, {}, frozenset({Need.PREDICTIONS}))


@pytest.mark.parametrize(
    ("gives", "says"),
    [
        (None, "metric gap: compute gives None; return one number"),
        (torch.zeros(3), r"metric gap: compute gives a tensor of shape \(3,\); return one number"),
        ({"gap": 1.0}, r"metric gap: compute gives \{'gap': 1.0\}; return one number"),
    ],
    ids=["nothing", "several", "a dictionary"],
)
def test_what_is_not_one_number_names_the_metric(gives: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        measured(metric(gives), {Need.PREDICTIONS: tuple})


@pytest.mark.parametrize(("gives", "value"), [(torch.tensor([0.25]), 0.25), (1, 1.0), (float("nan"), None)])
def test_one_number_is_kept(gives: Any, value: float | None) -> None:
    assert measured(metric(gives), {Need.PREDICTIONS: tuple})["value"] == value
