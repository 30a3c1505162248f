"""Null models read after every epoch: the laundering paper's threshold."""

from __future__ import annotations

import json

import pytest
import torch

from ownmark.contracts.weights import read_tensors
from ownmark.stats import laundering_threshold

TASK = """
tasks:
  - dataset: {digits: {limit_train: 250, limit_test: 60}}
    host: {convnet: {width: 0.25, recipe: {epochs: 3}}}
verdict: {null_models: 2, keys: 3%s}
"""
PLAN = "schemes: [{adi: {keys: 20}}]\n"


def stored(workshop, stage):
    (path,) = (workshop.store / stage).glob("*/*/values.json")
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def asked(shared):
    return shared.run(PLAN, task=TASK % ", every_epoch: 2").records[0]


def test_the_last_epoch_is_the_null_model_that_the_threshold_was_set_on(shared, asked):
    rates = stored(shared, "vanilla")["rates"]
    assert [[len(epoch) for epoch in model] for model in rates] == [[3, 3, 3]] * 2
    assert [model[-1] for model in rates] == stored(shared, "threshold")["null_rates"]
    assert rates[0][0] != rates[0][-1]


NULLS = {
    "the owner's images": ("adi: {keys: 20}", "nulls: {data: owner}", [3, 3, 3]),
    "another host": (
        "adi: {keys: 20}",
        "nulls: {hosts: {convnet: {width: 0.5, recipe: {epochs: 2}}}}",
        [3, 3, 2],
    ),
    "another host, in weights": ("uchida: {bits: 16}", "nulls: {hosts: {convnet: {width: 0.5}}}", [3, 3]),
}


@pytest.mark.parametrize("case", NULLS)
def test_epochs_are_those_of_the_plans_null_models(workshop, case):
    scheme, nulls, epochs = NULLS[case]
    task = TASK.replace("null_models: 2", "null_models: 3") % f", every_epoch: 3, {nulls}"
    assert not workshop.run(f"schemes: [{{{scheme}}}]\n", task=task).failed
    rates = stored(workshop, "vanilla")["rates"]
    assert [len(model) for model in rates] == epochs
    for entry in (workshop.store / "epochs").glob("*/*"):
        null = json.loads((entry / "manifest.json").read_text())["about"]["host"]
        (model,) = (workshop.store / "host").glob(f"*/{null}/network.safetensors")
        last = max(entry.glob("epoch *.safetensors"), key=lambda path: int(path.stem.split()[1]))
        network, other = read_tensors(model, "entry")[0], read_tensors(last, "entry")[0]
        assert all(torch.equal(network[name], other[name]) for name in network)


def test_records_say_the_maximum_and_what_it_would_decide(shared, asked):
    highest = laundering_threshold(stored(shared, "vanilla")["rates"])
    assert asked["verdict"]["vanilla_maximum"] == highest
    assert asked["verdict"]["above_vanilla"] == (asked["evidence"]["rate"] > highest)


def test_the_option_changes_no_other_stage(shared, asked):
    plain = shared.run(PLAN, name="plain", task=TASK % "").records[0]
    assert not shared.progress.stages
    assert plain["verdict"] == {
        name: value for name, value in asked["verdict"].items() if "vanilla" not in name
    }
