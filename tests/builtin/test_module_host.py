"""The user's own network as a host."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.discovery import discover
from ownmark.errors import NotApplicable, PlanError
from ownmark.methods import Kind
from ownmark.runner import run
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.resolve import Methods

SOURCE = """
from torch import nn

def net(channels, classes, width=4):
    return nn.Sequential(nn.Conv2d(channels, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(width, classes))

def no_module(channels, classes):
    return "net"

def too_many(channels, classes):
    return net(channels, classes + 1)

def breaks(channels, classes):
    raise RuntimeError("no weights here")
"""
ARGUMENTS = {"channels": "$channels", "classes": "$classes"}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module `mine_NAME` of the user's."""
    name = f"mine_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


def build(target: str, **params: Any) -> nn.Module:
    host = discover().build(Kind.HOST, "module", {"target": target, "arguments": ARGUMENTS, **params})
    network: nn.Module = host.build((3, 9, 9), 5)
    return network


def test_numbers_of_the_task_are_filled_in(mine: str) -> None:
    network = build(f"{mine}:net", arguments={**ARGUMENTS, "width": 7})
    assert network[0].weight.shape == (7, 3, 3, 3)  # type: ignore[index]
    assert network(torch.rand(2, 3, 9, 9)).shape == (2, 5)


def test_pixels_are_normalised_in_front_if_asked(mine: str) -> None:
    network = build(f"{mine}:net", mean=[0.5], std=[0.25]).eval()
    x = torch.rand(2, 3, 9, 9)
    assert torch.equal(network(x), network.network((x - 0.5) / 0.25))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_module", "gives str, not a torch.nn.Module"),
        ("too_many", r"answers 2 images with \(2, 6\)"),
        ("breaks", "no weights here"),
        ("absent", "cannot be imported"),
    ],
)
def test_what_is_no_host(mine: str, name: str, says: str) -> None:
    with pytest.raises(NotApplicable, match=says):
        build(f"{mine}:{name}")


def test_a_target_is_a_module_and_a_name() -> None:
    with pytest.raises(PlanError, match="target"):
        build("resnet18")


def test_results_depend_on_the_users_source(mine: str, tmp_path: Path) -> None:
    def identity() -> Any:
        spec = Spec("module", canonical({"target": f"{mine}:net", "arguments": ARGUMENTS}), "module")
        return Methods(discover()).get(Kind.HOST, spec).identity

    before = identity()
    (tmp_path / f"{mine}.py").write_text(SOURCE.replace("width=4", "width=8"))
    assert identity() != before


def test_a_plan_marks_it(mine: str, tmp_path: Path) -> None:
    plan = tmp_path / "own.yaml"
    plan.write_text(f"""
tasks:
  - dataset: digits
    host: {{module: {{target: "{mine}:net", arguments: {{channels: $channels, classes: $classes, width: 32}},
                     recipe: {{epochs: 2, lr: 0.05, augment: none}}}}}}
schemes: [{{content: {{keys: 20}}}}]
attacks: [none, prune]
verdict: {{null_models: 1}}
""")
    finished = run(plan, out=tmp_path / "run", store=tmp_path / "store", device="cpu")
    assert [record["status"] for record in finished.records] == ["ok", "ok"]
