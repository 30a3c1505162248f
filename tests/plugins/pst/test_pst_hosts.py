"""Hosts with and without norms, grey and colour, small images, two classes: all work; what cannot is refused first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ConvNetConfig, LeNet5Config
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.builtin.hosts.lenet5 import LeNet5
from ownmark.contracts import Samples, Stolen, seeded
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, PlanError
from ownmark.methods import Kind
from ownmark.runner.session import prepare

Shape = tuple[int, int, int]
QUICK: Mapping[str, Mapping[str, Any]] = {
    "bdr": {}, "feature_distillation": {}, "finetune_unlabelled": {"recipe": {"epochs": 1}}, "gaussian_blur": {},
    "jpeg": {}, "pixel_deflection": {}, "pst": {}, "pst_finetune": {"recipe": {"epochs": 1}}, "shield": {}, "st": {},
}  # fmt: skip
TASKS: list[tuple[Shape, int]] = [((1, 8, 8), 2), ((3, 8, 8), 3), ((1, 28, 28), 2), ((2, 9, 12), 3)]


def thief(network: nn.Module, shape: Shape, classes: int, rng: torch.Generator) -> Stolen:
    return Stolen(network.eval(), shape, classes, Samples(torch.rand((12, *shape), generator=rng)))


@pytest.mark.parametrize("id", QUICK)
@pytest.mark.parametrize(("shape", "classes"), TASKS, ids=str)
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_works_on(id: str, shape: Shape, classes: int, norm: Any, fit: Any, rng: Any) -> None:
    with seeded(rng(3)):
        stolen = thief(
            ConvNet(ConvNetConfig(width=0.25, norm=norm)).build(shape, classes), shape, classes, rng(1)
        )
    attack = discover().build(Kind.ATTACK, {f"pst/{id}": dict(QUICK[id])})
    attack.check(stolen.network, shape, classes)
    suspect = attack.attack(stolen, fit, rng(0))
    answers = attack.serve(suspect.network, rng(0))(stolen.images().x)
    assert answers.shape == (12, classes)
    assert torch.isfinite(answers).all()
    assert ("transform" in suspect.exhibits) is (shape[0] in (1, 3) and id != "finetune_unlabelled")


def test_lenet_without_any_norm(fit: Any, rng: Any) -> None:
    stolen = thief(LeNet5(LeNet5Config()).build((1, 28, 28), 2), (1, 28, 28), 2, rng(1))
    attack = discover().build(Kind.ATTACK, {"pst/pst_finetune": {"recipe": {"epochs": 1}}})
    suspect = attack.attack(stolen, fit, rng(0))
    assert torch.isfinite(attack.serve(suspect.network, rng(0))(stolen.images().x)).all()


@pytest.mark.parametrize("id", [id for id in QUICK if id != "finetune_unlabelled"])
def test_images_of_three_pixels_are_refused(id: str) -> None:
    attack = discover().build(Kind.ATTACK, {f"pst/{id}": dict(QUICK[id])})
    with pytest.raises(NotApplicable, match="at least 4 pixels"):
        attack.check(nn.Linear(1, 1), (3, 3, 20), 10)


@pytest.mark.parametrize("id", ["pst_finetune", "finetune_unlabelled"])
def test_plan_without_images_is_refused_before_training(id: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "tasks: [{dataset: {digits: {limit_train: 100}}, host: convnet}]\n"
        f"schemes: [content]\nattacks: [{id}]\nattacker: {{data: none}}\n"
    )
    with pytest.raises(PlanError, match=f"attack {id} needs images"):
        prepare(plan, tmp_path / "run", tmp_path / "store", "cpu", None, None)
    assert not any((tmp_path / "store").rglob("*.safetensors"))
