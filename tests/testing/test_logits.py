"""Predictions are logits, in the kit as in a run: a correct calibration error passes, one of probabilities fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tests.testing.broken import declare
from torch import Tensor
from torchmetrics import Metric

from ownmark.methods import Declaration, Kind, Need
from ownmark.runner import run
from ownmark.testing import CheckFailed, checks_for, run_check, with_fakes


class CalibrationError(Metric):
    """Guo et al. 2017, Eq. 3, with ten bins: mean gap between confidence and accuracy."""

    higher_is_better = False
    probabilities = False
    plot_lower_bound, plot_upper_bound = 0.0, 1.0

    def __init__(self) -> None:
        super().__init__()
        for name in ("count", "right", "sure"):
            self.add_state(name, torch.zeros(10), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        sure, answers = (predictions if self.probabilities else predictions.softmax(1)).max(1)
        bins = (sure * 10).long().clamp(max=9)
        self.count += bins.bincount(minlength=10)
        self.right += torch.zeros(10).index_add(0, bins, (answers == labels).float())
        self.sure += torch.zeros(10).index_add(0, bins, sure)

    def compute(self) -> Tensor:
        return (self.right - self.sure).abs().sum() / self.count.sum()


class OfProbabilities(CalibrationError):
    """Takes what it is given for probabilities."""

    probabilities = True


class LooksLikeProbabilities(Metric):
    """Share of answers that could be probabilities."""

    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("odd", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, other: Tensor) -> None:
        for answers in (predictions, other):
            if answers.is_floating_point():
                sums = (answers.sum(1) - 1).abs() < 1e-3
                self.odd += (sums & (answers >= 0).all(1)).sum()
                self.count += len(answers)

    def compute(self) -> Tensor:
        return self.odd / self.count


def metric(target: type, need: Need = Need.PREDICTIONS) -> Declaration:
    return declare(Kind.METRIC, target, id="calibration", needs=frozenset({need}), api=2)


def conforms(method: Declaration) -> None:
    for check in checks_for(method):
        if check.id != "declaration-imports-lightly":  # of installed packs
            run_check(check, method, with_fakes())


def test_a_correct_calibration_error_passes_all_checks() -> None:
    conforms(metric(CalibrationError))


def test_one_that_expects_probabilities_does_not() -> None:
    with pytest.raises(CheckFailed):
        conforms(metric(OfProbabilities))


@pytest.mark.parametrize("need", [Need.PREDICTIONS, Need.REFERENCE])
def test_a_run_feeds_logits_as_the_kit_does(need: Need, tmp_path: Path) -> None:
    base = with_fakes()
    catalog = dataclasses.replace(base, methods=(*base.methods, metric(LooksLikeProbabilities, need)))
    (tmp_path / "p.yaml").write_text(
        "tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: "
        "{epochs: 1}}}}]\nschemes: [fake-signs]\nmetrics: [calibration]\nverdict: {null_models: 1, keys: 2}\n"
    )
    (record,) = run(
        tmp_path / "p.yaml", out=tmp_path / "r", store=tmp_path / "s", device="cpu", catalog=catalog
    ).records
    assert record["metrics"]["calibration"]["value"] == 0
