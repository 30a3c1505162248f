"""Fine-tuning: which labels, which layers, which recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Samples, Stolen, predictions
from ownmark.errors import NotApplicable
from ownmark.loops import rate_factor
from ownmark_repair.finetune.attack import Finetune, last_layer
from ownmark_repair.finetune.config import FinetuneConfig

ONE = {"epochs": 1, "lr": 0.01}


def changed(stolen: Stolen, suspect: nn.Module) -> set[str]:
    before: dict[str, Tensor] = stolen.network.state_dict()
    return {name for name, value in suspect.state_dict().items() if not torch.equal(value, before[name])}


def attack(stolen: Stolen, fit: Any, rng: Any, **parameters: Any) -> nn.Module:
    return Finetune(FinetuneConfig(**parameters)).attack(stolen, fit, rng(0)).network


def test_default_is_the_recipe_of_the_APP_paper() -> None:
    recipe = FinetuneConfig().recipe
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer, recipe.augment) == (30, 128, "sgd", "none")
    rates = [recipe.lr * rate_factor(recipe, epoch * 79, 30 * 79) for epoch in range(30)]
    assert rates == pytest.approx([0.05 * 0.5 ** (epoch // 5) for epoch in range(30)])
    assert (recipe.momentum, recipe.weight_decay) == (0.9, 5e-4)


def test_no_epochs_change_nothing(stolen: Stolen, fit: Any, rng: Any) -> None:
    assert changed(stolen, attack(stolen, fit, rng, recipe={"epochs": 0})) == set()


def test_given_network_is_left_alone(stolen: Stolen, fit: Any, rng: Any) -> None:
    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    attack(stolen, fit, rng, recipe=ONE)
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())


def test_all_layers_move_and_batchnorm_follows_the_data(stolen: Stolen, fit: Any, rng: Any) -> None:
    names = changed(stolen, attack(stolen, fit, rng, recipe=ONE))
    trained = {name for name, _ in stolen.network.named_parameters()}
    assert names >= trained
    assert any(name.endswith("running_mean") for name in names)


def test_last_layer_alone_moves_and_statistics_stay(stolen: Stolen, fit: Any, rng: Any) -> None:
    names = changed(stolen, attack(stolen, fit, rng, recipe=ONE, layers="last"))
    assert names == {"classifier.weight", "classifier.bias"}


def test_new_last_layer_replaces_only_that(stolen: Stolen, fit: Any, rng: Any) -> None:
    parameters = {"recipe": {"epochs": 0}, "reinit_last": True}
    suspects = [attack(stolen, fit, rng, **parameters) for _ in range(2)]
    assert changed(stolen, suspects[0]) == {"classifier.weight", "classifier.bias"}
    assert torch.equal(suspects[0].classifier.weight, suspects[1].classifier.weight)


def test_true_labels_where_granted(stolen: Stolen, data: Samples, looking: Any, rng: Any) -> None:
    attack(stolen, looking, rng)
    assert torch.equal(looking.asked["samples"].labels, data.labels)


@pytest.mark.parametrize("grant", ["unlabelled", "transfer", "labelled but ignored"])
def test_own_predictions_of_the_stolen_network_otherwise(
    stolen: Stolen, data: Samples, looking: Any, rng: Any, grant: str
) -> None:
    bare = data.unlabelled()
    granted = {
        "unlabelled": replace(stolen, data=bare),
        "transfer": replace(stolen, data=None, transfer=bare),
        "labelled but ignored": stolen,
    }[grant]
    attack(
        granted,
        looking,
        rng,
        reinit_last=True,
        labels="granted" if grant != "labelled but ignored" else "predicted",
    )
    assert torch.equal(looking.asked["samples"].labels, predictions(stolen.network, data.x))


def test_no_images_no_attack(stolen: Stolen, looking: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="needs images"):
        attack(replace(stolen, data=None), looking, rng)


def test_partial_recipe_keeps_the_papers_rest() -> None:
    recipe = FinetuneConfig(recipe={"epochs": 3, "augment": "crop-flip"}).recipe  # type: ignore[arg-type]
    assert (recipe.epochs, recipe.lr, recipe.augment, recipe.schedule) == (3, 0.05, "crop-flip", "every")


def test_last_layer_is_the_last_with_an_output_a_class() -> None:
    network = nn.Sequential(
        nn.Linear(4, 10), nn.Sequential(nn.Linear(10, 10), nn.ReLU()), nn.Linear(10, 3), nn.ReLU()
    )
    assert last_layer(network, 10) == "1.0"
    with pytest.raises(NotApplicable, match="with 7 outputs"):
        Finetune(FinetuneConfig(layers="last")).check(network, (1, 2, 2), 7)
