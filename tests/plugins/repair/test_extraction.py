"""Distillation and retraining: losses, budgets, other architectures, and what the thief may not touch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Batch, Samples, Stolen, black_box, outputs, predictions
from ownmark.errors import NotApplicable
from ownmark_repair.distill.attack import Distill
from ownmark_repair.distill.config import DistillConfig
from ownmark_repair.retrain.attack import Retrain, affordable, asked, towards
from ownmark_repair.retrain.config import RetrainConfig
from ownmark_repair.students import imitating, renewed

SHAPE, ONE = (1, 8, 8), {"epochs": 1, "augment": "none"}


def other() -> ConvNet:
    return ConvNet(ConvNetConfig(width=0.5, norm="group"))


def retrain(**changes: Any) -> Retrain:
    return Retrain(RetrainConfig(host={"convnet": {}}, recipe=ONE, **changes), host=other())  # type: ignore[arg-type]


def whole(stolen: Stolen) -> Batch:
    return Batch(stolen.images().x, None, torch.arange(64))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_imitation_is_hintons_divergence(stolen: Stolen, rng: Any, temperature: float) -> None:
    batch, student = whole(stolen), renewed(stolen.network, rng(4)).eval()
    found = imitating(lambda b: outputs(stolen.network, b.x), temperature)(student, batch, 0).item()
    logits = [
        outputs(network, batch.x).double().numpy() / temperature for network in (stolen.network, student)
    ]
    p, q = (np.exp(part) / np.exp(part).sum(1, keepdims=True) for part in logits)
    assert found == pytest.approx(temperature**2 * (p * np.log(p / q)).sum(1).mean(), rel=1e-4)


def test_a_renewed_network_has_nothing_of_the_old_one(stolen: Stolen, rng: Any) -> None:
    fresh = renewed(stolen.network, rng(0))
    weights = [name for name, value in stolen.network.named_parameters() if value.ndim > 1]
    assert all(not torch.equal(fresh.state_dict()[n], stolen.network.state_dict()[n]) for n in weights)
    assert float(fresh.features[0].norm.running_mean.abs().max()) == 0
    assert torch.equal(renewed(stolen.network, rng(0)).classifier.weight, fresh.classifier.weight)


def test_labels_play_no_part_in_distillation(stolen: Stolen, looking: Any, rng: Any) -> None:
    Distill(DistillConfig()).attack(stolen, looking, rng(0))
    assert looking.asked["samples"].y is None


@pytest.mark.parametrize("wrapped", [False, True], ids=["same architecture", "another one"])
def test_distilled_networks_are_restored(stolen: Stolen, fit: Any, rng: Any, wrapped: bool) -> None:
    attack = Distill(DistillConfig(recipe=ONE), host=other() if wrapped else None)  # type: ignore[arg-type]
    suspect, x = attack.attack(stolen, fit, rng(0)).network, stolen.images().x
    again = attack.restore(stolen.copy(), suspect.state_dict(), SHAPE, 4).eval()
    assert torch.equal(outputs(again, x), outputs(suspect, x))
    assert (set(suspect.state_dict()) == set(stolen.network.state_dict())) is not wrapped


def test_soft_answers_are_trained_towards_by_position(stolen: Stolen) -> None:
    wanted = torch.rand(64, 4).softmax(1)
    batch = Batch(stolen.images().x[[5, 2]], None, torch.tensor([5, 2]))
    found = towards(wanted)(stolen.copy().eval(), batch, 0).item()
    log = torch.log_softmax(outputs(stolen.network, batch.x), 1)
    assert found == pytest.approx(-(wanted[[5, 2]] * log).sum(1).mean().item(), rel=1e-4)


@pytest.mark.parametrize("answers", ["auto", "scores", "labels"])
def test_each_image_is_asked_about_once(stolen: Stolen, answers: str) -> None:
    box, x = black_box(stolen.network), stolen.images().x
    found = asked(box, x, 4, answers)
    assert box.queries == 64
    torch.testing.assert_close(found.sum(1), torch.ones(64))
    assert torch.equal(found.argmax(1), predictions(stolen.network, x))
    assert bool(((found == 0) | (found == 1)).all()) is (answers == "labels")


def test_labels_are_taken_where_scores_are_not_given(stolen: Stolen) -> None:
    box, x = black_box(stolen.network, budget=64, labels_only=True), stolen.images().x
    found = asked(box, x, 4, "auto")
    assert (len(found), box.queries) == (63, 64)
    assert torch.equal(found.argmax(1), predictions(stolen.network, x[1:]))


@pytest.mark.parametrize(("budget", "kept"), [(None, 64), (10, 10), (1000, 64)])
def test_budget_limits_the_images(stolen: Stolen, budget: int | None, kept: int) -> None:
    assert len(affordable(stolen.images(), black_box(stolen.network, budget))) == kept


def test_a_thief_without_weights_retrains_within_the_budget(stolen: Stolen, fit: Any, rng: Any) -> None:
    box = black_box(stolen.network, budget=20)
    thief = replace(stolen, queried=box)
    attack = retrain()
    suspect = attack.attack(thief, fit, rng(0)).network
    assert box.queries == 20
    again = attack.restore(stolen.copy(), suspect.state_dict(), SHAPE, 4).eval()
    assert torch.equal(outputs(again, stolen.images().x), outputs(suspect, stolen.images().x))


@pytest.mark.parametrize("lack", ["images", "queries"])
def test_retraining_needs_images_and_queries(stolen: Stolen, looking: Any, rng: Any, lack: str) -> None:
    spent = black_box(stolen.network, budget=1)
    spent.predict(stolen.images().x[:1])
    thief = replace(stolen, data=None) if lack == "images" else replace(stolen, queried=spent)
    with pytest.raises(NotApplicable, match=lack):
        retrain().attack(thief, looking, rng(0))


def test_transfer_images_will_do(stolen: Stolen, looking: Any, rng: Any) -> None:
    thief = replace(stolen, data=None, transfer=Samples(torch.rand(9, 1, 8, 8)))
    retrain().attack(thief, looking, rng(0))
    assert len(looking.asked["samples"]) == 9
