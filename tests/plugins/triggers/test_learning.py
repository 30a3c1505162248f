"""Training on until every trigger is known: when it starts, how, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import HostView, Key, Recipe, Samples, Task, predictions
from ownmark_triggers.learning import known, until_known
from ownmark_triggers.patch.config import PatchConfig
from ownmark_triggers.patch.scheme import Patch


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@pytest.fixture
def key(task: Task, rng: Any) -> Key:
    return Patch(PatchConfig(keys=20)).make_key(task, rng(0))


def test_known_compares_label_by_label(network: nn.Module, key: Key) -> None:
    answers = predictions(network, key["triggers"])
    changed = answers.clone()
    changed[3] = (changed[3] + 1) % 10
    assert known(network, key.add({"labels": changed})).tolist() == [place != 3 for place in range(20)]


def test_it_goes_on_at_a_tenth_of_the_rate_that_settles_in_every_epoch(
    network: nn.Module, key: Key, task: Task, host: HostView, looking: Any
) -> None:
    until_known(network, key, task.owner, Recipe(epochs=3, lr=0.2), looking, epochs=7, host=host)
    assert looking.asked["recipe"] == Recipe(epochs=7, lr=0.02, schedule="restarts", period=1)


@pytest.mark.parametrize("why", ["all known", "no extra epochs", "nothing was trained"])
def test_it_does_not_go_on_without_need(
    why: str, network: nn.Module, key: Key, task: Task, host: HostView, looking: Any
) -> None:
    if why == "all known":
        key = key.add({"labels": predictions(network, key["triggers"])})
    recipe = Recipe(epochs=0 if why == "nothing was trained" else 3)
    epochs = 0 if why == "no extra epochs" else 7
    until_known(network, key, task.owner, recipe, looking, epochs=epochs, host=host)
    assert looking.asked == {}


def test_it_ends_as_soon_as_every_trigger_is_known(
    key: Key, task: Task, trained_host: HostView, fit: Any
) -> None:
    build = Patch(PatchConfig(start="trained", recipe={"epochs": 1, "lr": 0.05}))
    marked = build.embed(trained_host, key, task, fit)
    assert known(marked.network, key).all()
    assert len(task.owner) < fit.samples_seen < (1 + 30) * len(task.owner)


def test_fewer_epochs_than_needed_leave_it_unfinished(
    key: Key, task: Task, trained_host: HostView, fit: Any
) -> None:
    build = Patch(PatchConfig(start="trained", recipe={"epochs": 1, "lr": 1e-5}, extra_epochs=2))
    marked = build.embed(trained_host, key, task, fit)
    assert not known(marked.network, key).all()
    assert fit.samples_seen == 3 * len(task.owner)


def test_poisoned_images_may_be_more_than_the_keys(
    task: Task, host: HostView, rng: Any, looking: Any
) -> None:
    from ownmark_triggers.badnets.config import BadNetsConfig
    from ownmark_triggers.badnets.scheme import BadNets

    build = BadNets(BadNetsConfig(keys=10, share=0.2))
    key = build.make_key(task, rng(0))
    marked = build.embed(host, key, task, looking)
    shown: Samples = looking.asked["samples"]
    assert len(key["labels"]) == 10
    assert len(key["carriers"]) == 200
    assert len(shown) == len(task.owner)
    assert (shown.labels[-200:] == 0).all()
    assert marked.key.digest() == key.digest()
