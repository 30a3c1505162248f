"""Suspects that are at hand: modules in any mode, functions that answer in any way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.errors import OwnmarkError, UnusableAnswer
from ownmark.ownership import verify
from ownmark.ownership.answers import plain_answers

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.mark.parametrize("folder", ["mark", "bits"])
def test_a_module_in_train_mode_is_read_as_it_answers_in_use_and_left_as_it_was(
    folder: str, request: pytest.FixtureRequest
) -> None:
    from ownmark.discovery import discover
    from ownmark.ownership.folder import Release, model_state

    owned: Path = request.getfixturevalue(folder)
    release = Release.read(owned / "released")
    network = release.restored(discover(), model_state(owned / "released"), "").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    record = verify(owned, network, device="cpu")
    assert record["claim"] is True
    assert record["hits"] == verify(owned, owned / "released", device="cpu")["hits"]
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


class Wrapped(nn.Module):
    """The same network in a structure that the mark does not know, answering with more than logits."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.body, self.extra = inner, nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Any:
        return SimpleNamespace(logits=self.body(x), loss=None)


def test_a_module_of_another_structure_is_asked(mark: Path, network: nn.Module) -> None:
    assert verify(mark, Wrapped(network), device="cpu")["claim"] is True


@pytest.mark.parametrize(
    ("suspect", "says"),
    [
        ({"weight": torch.zeros(1)}, "state dict"),
        (Wrapped, "Wrapped is a class"),
        ("torch.nn:Linear", "Linear is a class"),
        (3, "int: no suspect"),
    ],
    ids=["a state dict", "a class", "a name of one", "a number"],
)
def test_what_is_no_suspect_is_told_what_to_give(suspect: Any, says: str, mark: Path) -> None:
    with pytest.raises(OwnmarkError, match=says):
        verify(mark, suspect, device="cpu")


def of(network: nn.Module) -> dict[str, Callable[[Tensor], Any]]:
    """Ways in which functions answer."""

    def scores(x: Tensor) -> Tensor:
        return outputs(network, x).softmax(1)

    def labels(x: Tensor) -> list[int]:
        return [int(label) for label in scores(x).argmax(1)]

    return {
        "logits": lambda x: outputs(network, x),
        "numpy": lambda x: scores(x).numpy(),
        "lists": lambda x: scores(x).tolist(),
        "labels": labels,
        "ModelOutput": lambda x: SimpleNamespace(logits=outputs(network, x), hidden_states=None),
        "dict": lambda x: {"loss": None, "logits": scores(x)},
        "tuple": lambda x: (scores(x), torch.zeros(3)),
        "names": lambda x: [NAMES[label] for label in labels(x)],
        "records": lambda x: [{"label": NAMES[label], "score": 0.9} for label in labels(x)],
        "top-k": lambda x: [
            [{"label": NAMES[(k + 1) % 10], "score": 0.1}, {"label": NAMES[k], "score": 0.6}]
            for k in labels(x)
        ],
    }


@pytest.mark.parametrize("how", of(nn.Identity()))
def test_functions_may_answer_as_they_like(how: str, mark: Path, network: nn.Module) -> None:
    assert verify(mark, of(network)[how], labels=NAMES, device="cpu")["claim"] is True


@pytest.mark.parametrize(
    ("answer", "says"),
    [(["cat"], "--labels"), ([{"label": "cat"}], "--labels"), ([{"score": 1.0}], "without a label")],
    ids=["names", "records", "no label"],
)
def test_names_without_a_list_of_them_are_one_sentence(answer: Any, says: str) -> None:
    with pytest.raises(UnusableAnswer, match=says):
        plain_answers(answer, 1, None)


def test_a_name_that_is_not_in_the_list_is_told_with_the_nearest_five() -> None:
    with pytest.raises(UnusableAnswer, match=r"fiv.*near: five"):
        plain_answers(["fiv"], 1, NAMES)
    assert plain_answers(["LABEL_3", "LABEL_7"], 2, None) == [3, 7]


@pytest.mark.parametrize("name", ["7", "class_7", "label_7", "LABEL_7 ", "LABEL_٧", "-1", "7.0"])
def test_a_name_that_could_be_another_class_is_no_number(name: str) -> None:
    for answer in ([name, name], [{"label": name}] * 2):
        with pytest.raises(UnusableAnswer, match="--labels"):
            plain_answers(answer, 2, None)
    assert plain_answers([name], 1, ["none", name]) == [1]


def test_scores_of_numbers_are_scores_of_labels() -> None:
    """`{"7": 0.9}` of TorchServe and Gradio without names: keys of JSON are text."""
    scored = [[{"label": "2", "score": 0.1}, {"label": "7", "score": 0.9}], [{"label": "0", "score": 1.0}]]
    assert plain_answers(scored, 2, None) == [7, 0]
    assert plain_answers(scored, 2, ["7", "2", "0"]) == [0, 2]
