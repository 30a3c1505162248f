"""What methods are tried on."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ownmark.builtin.hosts.lenet5 import LeNet5Network
from ownmark.testing.fakes import FAKES
from ownmark.testing.workbench import Workbench, workbench_for

ECHO = FAKES[-1]


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return workbench_for(ECHO)


def test_methods_that_ask_for_nothing_share_a_workbench(bench: Workbench) -> None:
    wider = dataclasses.replace(ECHO, smoke_host={"width": 2.0})
    assert workbench_for(FAKES[0]) is bench
    assert workbench_for(wider) is not bench
    assert workbench_for(wider).blank().classifier.in_features == 2 * bench.blank().classifier.in_features


def test_smoke_host_can_name_another_host_and_dataset() -> None:
    asked = {"host": "lenet5", "dataset": {"digits": {"size": 16, "limit_train": 100}}, "activation": "tanh"}
    bench = workbench_for(dataclasses.replace(ECHO, smoke_host=asked))
    assert isinstance(bench.blank(), LeNet5Network)
    assert bench.task.shape == (1, 16, 16)


def test_the_host_is_worth_marking_and_null_models_are_others(bench: Workbench) -> None:
    assert bench.accuracy(bench.trained()) > 0.9
    weights = [null.classifier.weight for null in (bench.trained(), *bench.nulls)]
    assert not any(torch.equal(weights[0], other) for other in weights[1:])


def test_a_thief_is_given_copies_of_what_the_threat_model_grants(bench: Workbench) -> None:
    grants = {grant: bench.stolen(grant) for grant in ("nothing", "images", "labels", "transfer")}
    assert grants["nothing"].data is grants["nothing"].transfer is grants["transfer"].data is None
    assert grants["images"].data.y is None
    assert grants["labels"].data.y is not None
    grants["labels"].data.x.zero_()
    grants["labels"].network.classifier.weight.data.zero_()
    assert bench.stolen("labels").data.x.any()
    assert bench.victim().classifier.weight.any()
