"""What each party is shown, and the modes and random states that views leave as they found them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Samples, Stolen, black_box, evaluating, outputs, predictions, seeded
from ownmark.errors import NotApplicable, UnusableAnswer


def small() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))


def images(count: int = 5) -> Tensor:
    return torch.rand(count, 1, 2, 2, generator=torch.Generator().manual_seed(1))


def stolen(**granted: Samples) -> Stolen:
    return Stolen(small(), (1, 2, 2), 3, **granted)


# --- evaluating, outputs ----------------------------------------------------------------------------------------------


def test_evaluating_gives_back_each_modules_own_mode() -> None:
    network = small().train()
    network[2].eval()
    with evaluating(network) as inside:
        assert not any(module.training for module in inside.modules())
        assert not inside(images()).requires_grad
    assert [module.training for module in network] == [True, True, False, True]


def test_evaluating_restores_modes_after_an_error() -> None:
    network = small().train()
    with pytest.raises(RuntimeError), evaluating(network):
        raise RuntimeError
    assert all(module.training for module in network.modules())


def test_outputs_do_not_depend_on_the_batch_size_and_leave_statistics_alone() -> None:
    network = small().train()
    before = network[2].running_mean.clone()
    assert torch.allclose(outputs(network, images(), 2), outputs(network, images(), 512))
    assert torch.equal(network[2].running_mean, before)
    assert network.training


def test_outputs_of_a_half_precision_network_are_float32() -> None:
    assert outputs(small().to(torch.bfloat16), images().to(torch.bfloat16)).dtype == torch.float32


# --- seeded -----------------------------------------------------------------------------------------------------------


def test_seeded_draws_follow_from_the_generator_alone() -> None:
    draws = []
    for stray in range(2):
        torch.manual_seed(stray)
        with seeded(torch.Generator().manual_seed(7)):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)


def test_seeded_puts_the_global_state_back_even_after_an_error() -> None:
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError), seeded(torch.Generator().manual_seed(7)):
        raise RuntimeError(torch.rand(3))
    assert torch.equal(torch.get_rng_state(), state)


def test_seeded_twice_from_one_generator_gives_other_draws() -> None:
    rng = torch.Generator().manual_seed(7)
    draws = []
    for _ in range(2):
        with seeded(rng):
            draws.append(torch.rand(3))
    assert not torch.equal(*draws)


# --- black boxes ------------------------------------------------------------------------------------------------------


def test_a_black_box_answers_as_the_network_does_and_counts() -> None:
    network = small()
    suspect = black_box(network)
    assert torch.equal(suspect.predict(images()), predictions(network, images()))
    assert torch.allclose(suspect.probabilities(images(3)).sum(1), torch.ones(3))
    assert suspect.queries == 8


def test_a_black_box_shows_no_parameters() -> None:
    suspect = black_box(small())
    reachable = [getattr(suspect, name) for name in dir(suspect) if not name.startswith("_")]
    assert not any(isinstance(value, nn.Module | Tensor) for value in reachable)


def test_a_budget_that_is_just_enough_is_enough() -> None:
    suspect = black_box(small(), budget=5)
    suspect.predict(images(5))
    with pytest.raises(NotApplicable, match="6 queries needed, the budget is 5"):
        suspect.predict(images(1))
    assert suspect.queries == 5


def test_a_suspect_that_answers_with_labels_has_no_probabilities() -> None:
    suspect = BlackBox(lambda x: torch.full((len(x),), 2))
    assert suspect.predict(images(2)).tolist() == [2, 2]
    with pytest.raises(NotApplicable, match="labels only"):
        suspect.probabilities(images(2))


# --- stolen -----------------------------------------------------------------------------------------------------------


def test_a_thief_holds_no_key_no_scheme_and_no_test_set() -> None:
    assert {field.name for field in dataclasses.fields(Stolen)} == {
        "network",
        "shape",
        "classes",
        "data",
        "transfer",
        "others",
        "queried",
        "inputs",
        "goal",
        "terms",
    }


def test_copies_of_the_stolen_network_share_nothing() -> None:
    loot = stolen()
    with torch.no_grad():
        loot.copy()[1].weight.zero_()
    assert loot.network[1].weight.abs().sum() > 0


def test_true_labels_are_used_where_they_are_granted() -> None:
    data = Samples(images(), torch.full((5,), 2))
    assert stolen(data=data, transfer=Samples(images(2))).images() is data


@pytest.mark.parametrize("field", ["data", "transfer"])
def test_unlabelled_images_get_the_stolen_networks_labels(field: str) -> None:
    loot = stolen(**{field: Samples(images())})
    assert torch.equal(loot.images().labels, predictions(loot.network, images()))


def test_a_thief_without_images_is_told_so() -> None:
    with pytest.raises(NotApplicable, match="granted none"):
        stolen().images()


@pytest.mark.parametrize("answer", [[1, 0, 2], (1, 0, 2), np.array([1, 0, 2]), torch.tensor([1.0, 0.0, 2.0])])
def test_labels_may_come_as_anything_that_holds_numbers(answer: Any) -> None:
    assert BlackBox(lambda x: answer).predict(images(3)).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (torch.zeros(2, 4), "3 images were asked about"),
        (torch.zeros(3, 1), "shape"),
        (torch.zeros(3, 4, 1), "shape"),
        (torch.full((3, 4), float("nan")), "no numbers"),
        (torch.tensor([0.0, float("inf"), 1.0]), "no numbers"),
        (torch.tensor([0.2, 0.5, 0.3]), "no labels"),
        (torch.tensor([0, 1, -1]), "no labels"),
        (torch.tensor([0, 1, 4]), "label 4"),
        (torch.zeros(3, 5), "5 classes"),
        ([[0.1, 0.9], [0.2], [0.3, 0.7]], "expected labels or probabilities"),
        ("<html>502 Bad Gateway</html>", "<html>"),
        (None, "None"),
    ],
    ids=str,
)
def test_what_cannot_be_an_answer_is_no_evidence(answer: Any, says: str) -> None:
    suspect = BlackBox(lambda x: answer, classes=4)
    with pytest.raises(UnusableAnswer, match=says):
        suspect.predict(images(3))
    assert suspect.queries == 3
