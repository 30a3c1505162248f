"""What an attacker brings about is an outcome; only bugs are failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.metrics.proportions import Accuracy, Agreement
from ownmark.report import write_report
from ownmark.runner.progress import outcome

TASK = """
tasks:
  - dataset: {digits: {limit_train: 300, limit_test: 80}}
    host: {convnet: {width: 0.25, recipe: {epochs: 12}}}
verdict: {null_models: 2, keys: 3}
"""
PLAN = """
schemes: [{uchida: {bits: 16, strength: 5.0}}, {signs: {bits: 24}}]
attacks: [none, dummy, folds, distils, blanks, diverges, forgets]
"""


@pytest.fixture(scope="module")
def records(shared) -> dict[tuple[str, str], Mapping[str, Any]]:  # type: ignore[no-untyped-def]
    found = shared.run(PLAN, "outcomes", TASK)
    return {(r["cell"]["scheme"]["id"], r["cell"]["attack"]["id"]): r for r in found.records}


@pytest.mark.parametrize("attack", ["dummy", "folds"])
def test_a_suspect_that_cannot_be_read_is_an_outcome_with_a_reason(records, attack: str) -> None:  # type: ignore[no-untyped-def]
    record = records["uchida", attack]
    assert record["status"] == "ok"
    assert record["removal"] == {**record["removal"], "outcome": "unreadable", "utility_survives": True}
    assert record["verdict"]["claim"] is False
    assert record["evidence"]["hits"] is None
    assert "key expects" in record["evidence"]["unreadable"] or "no layer" in record["evidence"]["unreadable"]
    assert record["utility"]["suspect"] == pytest.approx(record["utility"]["marked"], abs=0.02)
    assert "unreadable: " in outcome(record)


def test_a_mark_beside_the_new_neuron_is_still_read(records) -> None:  # type: ignore[no-untyped-def]
    record = records["signs", "dummy"]
    assert (record["removal"]["outcome"], record["evidence"]["hits"]) == ("survived", 24)


@pytest.mark.parametrize("attack", ["blanks", "diverges"])
@pytest.mark.parametrize("scheme", ["uchida", "signs"])
def test_no_numbers_are_utility_lost(records, scheme: str, attack: str) -> None:  # type: ignore[no-untyped-def]
    record = records[scheme, attack]
    assert (record["status"], record["removal"]["outcome"]) == ("ok", "utility-lost")
    assert record["utility"]["suspect"] == 0


def test_another_architecture_that_is_worth_nothing_is_utility_lost(records) -> None:  # type: ignore[no-untyped-def]
    record = records["uchida", "distils"]
    assert (record["status"], record["removal"]["outcome"]) == ("ok", "utility-lost")
    assert record["evidence"]["unreadable"]


def test_a_network_that_cannot_be_built_again_is_a_fault_that_names_the_attack(records) -> None:  # type: ignore[no-untyped-def]
    record = records["uchida", "forgets"]
    assert record["status"] == "failed"
    assert "forgets leaves a network that its `restore` cannot build again" in record["error"]["message"]


def test_the_report_says_why_a_suspect_could_not_be_read(records, shared) -> None:  # type: ignore[no-untyped-def]
    report = write_report(shared.folder / "outcomes")
    text = (report.folder / "report.md").read_text()
    assert "UNREADABLE" in text
    assert "cannot be read: " in text
    assert report.failed == 2  # `forgets`, with either scheme


@pytest.mark.parametrize("metric", [Accuracy, Agreement])
def test_an_answer_that_is_no_number_is_no_answer_for_class_zero(metric: type[nn.Module]) -> None:
    counter = metric()
    predictions = torch.tensor([[torch.nan, torch.nan], [2.0, 1.0], [torch.nan, 1.0]])
    counter.update(predictions, torch.tensor([0, 0, 0]) if metric is Accuracy else predictions)
    assert (int(counter.hits), int(counter.total)) == (1, 3)
