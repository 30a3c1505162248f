"""Fine-tuning behind the warp and without it: which images, whose labels, drawn when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Samples, Stolen, predictions
from ownmark.errors import NotApplicable
from ownmark_pst.finetune_unlabelled.attack import FinetuneUnlabelled
from ownmark_pst.finetune_unlabelled.config import FinetuneUnlabelledConfig
from ownmark_pst.pst.spatial import pst_transform
from ownmark_pst.pst_finetune.attack import PSTFinetune, labelled_by
from ownmark_pst.pst_finetune.config import PSTFinetuneConfig

BOTH = pytest.mark.parametrize("id", ["pst_finetune", "finetune_unlabelled"])


def made(id: str, **parameters: Any) -> Attack:
    if id == "pst_finetune":
        return PSTFinetune(PSTFinetuneConfig(beta=3, v=4, **parameters))
    return FinetuneUnlabelled(FinetuneUnlabelledConfig(**parameters))


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@BOTH
def test_true_labels_are_never_read(id: str, stolen: Stolen, data: Samples, looking: Any, rng: Any) -> None:
    found = []
    for labels in (data.labels, 3 - data.labels, None):
        made(id).attack(replace(stolen, data=Samples(data.x, labels)), looking, rng(0))
        found.append(looking.asked["samples"])
    assert all(torch.equal(one.x, data.x) for one in found)
    if id == "pst_finetune":
        assert all(one.y is None for one in found)
    else:
        assert all(torch.equal(one.labels, predictions(stolen.network, data.x)) for one in found)


@BOTH
def test_transfer_images_where_no_others_are_granted(
    id: str, stolen: Stolen, data: Samples, looking: Any, rng: Any
) -> None:
    other = Samples(1 - data.x)
    made(id).attack(replace(stolen, data=None, transfer=other), looking, rng(0))
    assert torch.equal(looking.asked["samples"].x, other.x)
    made(id).attack(replace(stolen, transfer=other), looking, rng(0))
    assert torch.equal(looking.asked["samples"].x, data.x)
    with pytest.raises(NotApplicable, match="needs images"):
        made(id).attack(replace(stolen, data=None), looking, rng(0))


@BOTH
def test_the_stolen_network_stays_and_a_copy_is_trained(id: str, stolen: Stolen, fit: Any, rng: Any) -> None:
    before = state(stolen.network)
    suspect = made(id, recipe={"epochs": 1}).attack(stolen, fit, rng(0)).network
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())
    assert any(not torch.equal(value, before[name]) for name, value in suspect.state_dict().items())


@BOTH
def test_default_training_is_the_papers_twenty_epochs(
    id: str, stolen: Stolen, looking: Any, rng: Any
) -> None:
    made(id).attack(stolen, looking, rng(0))
    recipe = looking.asked["recipe"]
    assert (recipe.epochs, recipe.batch_size) == (20, 100)


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """A transform with one draw a call: no two of seven in a row are equal."""
    return x.roll(int(torch.randint(1, 8, (), generator=generator)), 3)


@pytest.mark.parametrize("on", ["transformed", "same", "clean"])
def test_pairs_are_the_transform_and_the_oracles_word_on_its_view(
    on: str, stolen: Stolen, data: Samples, rng: Any
) -> None:
    transform = labelled_by(stolen.network, shifted, on)
    generator, twin = rng(0), rng(0)
    batch = Batch(data.x, None, torch.arange(64))
    batch.output(stolen.network)
    draws = []
    for _ in range(4):
        found, x = transform(batch, generator), shifted(data.x, twin)
        view = {"transformed": lambda: shifted(data.x, twin), "same": lambda x=x: x, "clean": lambda: data.x}[
            on
        ]()
        assert torch.equal(found.x, x)
        assert torch.equal(found.labels, predictions(stolen.network, view))
        assert torch.equal(found.output(stolen.network), stolen.network(x)), "nothing stale is kept"
        assert not found.labels.requires_grad
        draws.append(found.x)
    assert any(not torch.equal(draws[0], other) for other in draws[1:])


@pytest.mark.parametrize(
    "change",
    [
        lambda x, generator: pst_transform(x, PSTFinetuneConfig(beta=3, v=4), generator),
        lambda x, generator: x + torch.rand(x.shape, generator=generator),
    ],
    ids=["pst", "noise"],
)
def test_by_default_oracle_and_student_never_see_equal_images(
    change: Any, stolen: Stolen, data: Samples, rng: Any
) -> None:
    asked: list[Tensor] = []
    handle = stolen.network.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0]))
    transform, generator = labelled_by(stolen.network, change, PSTFinetuneConfig().label_on), rng(0)
    for _ in range(3):
        seen = transform(Batch(data.x, None, torch.arange(64)), generator).x
        oracle = torch.cat(asked)
        assert oracle.shape == seen.shape
        assert not (oracle == seen).flatten(1).all(1).any(), (
            "an image came with the draw that it was labelled by"
        )
        asked.clear()
    handle.remove()


def test_training_sees_the_transform_of_algorithm_1(
    stolen: Stolen, data: Samples, looking: Any, rng: Any
) -> None:
    attack = made("pst_finetune")
    attack.attack(stolen, looking, rng(0))
    (transform,) = looking.asked["transforms"]
    found = transform(Batch(data.x, None, torch.arange(64)), rng(9))
    assert torch.equal(found.x, pst_transform(data.x, attack.config, rng(9)))


def test_picture_shows_the_attackers_own_images(
    stolen: Stolen, data: Samples, looking: Any, rng: Any
) -> None:
    picture = made("pst_finetune").attack(stolen, looking, rng(0)).exhibits["transform"]
    assert isinstance(picture, Tensor)
    assert picture.shape == (16, 1, 8, 8)
    assert torch.equal(picture[:8], data.x[:8])


@pytest.mark.parametrize(
    "bad", [{"kernel": 4}, {"beta": 0}, {"gamma": -1}, {"label_on": "true"}, {"v": 0}, {"alpha": 1}], ids=str
)
def test_pst_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PSTFinetuneConfig(**bad)
