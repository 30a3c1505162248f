"""What Uchida's scheme refuses, and that its declaration is light."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import HostView, Task, WhiteBox
from ownmark.errors import NotApplicable, Unreadable
from ownmark_whitebox.uchida.config import UchidaConfig
from ownmark_whitebox.uchida.extractor import UchidaExtractor
from ownmark_whitebox.uchida.scheme import Uchida, completed


def test_message_longer_than_the_capacity(task: Task, host: HostView) -> None:
    with pytest.raises(
        NotApplicable, match=r"577 bits do not fit into layer 'features.2.conv'.* at most 576"
    ):
        Uchida(UchidaConfig(bits=577)).check(host.trained(), task)
    Uchida(UchidaConfig(bits=576)).check(host.trained(), task)


def test_layer_that_does_not_exist(task: Task, host: HostView) -> None:
    with pytest.raises(
        NotApplicable, match=r"no convolution or linear layer 'conv9'; there are: features.0.conv"
    ):
        Uchida(UchidaConfig(layer="conv9")).check(host.trained(), task)


def test_only_layers_that_read_the_image(task: Task) -> None:
    with pytest.raises(
        NotApplicable, match="no convolution with more than 1 input channels; name a layer of: 0"
    ):
        Uchida(UchidaConfig()).check(nn.Sequential(nn.Conv2d(1, 8, 3)), task)


def test_a_linear_layer_can_be_named(task: Task) -> None:
    Uchida(UchidaConfig(layer="0")).check(nn.Sequential(nn.Linear(200, 5)), task)


def test_suspect_of_another_architecture(task: Task, host: HostView, rng: Any) -> None:
    key = completed(Uchida(UchidaConfig()).make_key(task, rng(0)), host.trained())
    with pytest.raises(Unreadable, match=r"no layer 'features.2.conv'"):
        UchidaExtractor().extract(WhiteBox(nn.Sequential(nn.Conv2d(3, 8, 3))), key)
    other = nn.Sequential()
    other.add_module(
        "features", nn.ModuleList([nn.Identity(), nn.Identity(), nn.ModuleDict({"conv": nn.Conv2d(2, 2, 3)})])
    )
    with pytest.raises(Unreadable, match="has a mean filter of 18 values, the key expects 576"):
        UchidaExtractor().extract(WhiteBox(other), key)


@pytest.mark.parametrize("bad", [{"bits": 0}, {"strength": -1}, {"message": ""}, {"length": 3}], ids=str)
def test_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UchidaConfig(**bad)


def test_partial_recipe_keeps_the_rest() -> None:
    recipe = UchidaConfig(recipe={"epochs": 3}).recipe  # type: ignore[arg-type]
    assert (recipe.epochs, recipe.lr, recipe.batch_size) == (3, 0.03, 64)


def test_declaration_loads_neither_torch_nor_pydantic() -> None:
    code = "import sys, ownmark_whitebox.uchida; sys.exit(bool({'torch', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
