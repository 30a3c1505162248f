"""What a mark costs, and null models that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.errors import NotApplicable
from ownmark.ownership.worth import require_worth
from ownmark.runner.distinct import distinct


def utility(host: float, marked: float, **more: Any) -> dict[str, Any]:
    return {"metric": "accuracy", "host": host, "marked": marked, "loss": host - marked, **more}


def not_asked() -> float:
    raise AssertionError("the number of right answers says enough")


@pytest.mark.parametrize(("host", "marked"), [(0.95, 0.915), (0.7, 0.1)])
def test_a_mark_that_costs_more_than_allowed_is_told_with_both_values(host: float, marked: float) -> None:
    with pytest.raises(NotApplicable, match=rf"{host:.3f} before, {marked:.3f} after"):
        require_worth(utility(host, marked), 0.03, not_asked)
    require_worth(utility(host, marked), None, not_asked)


@pytest.mark.parametrize("hits", [40, 45])
def test_a_network_at_chance_is_not_released(hits: int) -> None:
    at_chance = utility(0.1, hits / 400, n=400, hits=hits, constant=40)
    with pytest.raises(NotApplicable, match="one answer to everything"):
        require_worth(at_chance, None, lambda: 0.3)
    require_worth(utility(0.1, 0.9, n=400, hits=360, constant=40), None, not_asked)


@pytest.mark.parametrize(("n", "constant"), [(1, 1), (2, 1), (50, 50)])
def test_test_images_that_cannot_tell_are_named(n: int, constant: int) -> None:
    with pytest.raises(NotApplicable, match=f"all {n} test images rightly"):
        require_worth(utility(1.0, 1.0, n=n, hits=n, constant=constant), None, lambda: 1.0)


def test_a_network_that_finds_a_rare_class_is_released_although_one_label_is_right_as_often() -> None:
    require_worth(utility(0.97, 0.96, n=100, hits=96, constant=95), None, lambda: 0.001)


def test_copies_of_one_network_are_no_null_models() -> None:
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    assert len(list(distinct([one, other]))) == 2
    for copies in ([one, one], [one, other, one]):
        with pytest.raises(NotApplicable, match="same weights"):
            list(distinct(copies))


@pytest.mark.parametrize("epochs", [0, 1])
def test_loading_functions_without_training_give_no_null_models(epochs: int, tmp_path: Path) -> None:
    from ownmark.builtin.hosts.module import Module
    from ownmark.builtin.hosts.module_config import ModuleConfig

    weights = tmp_path / "w.pt"
    target = "ownmark.builtin.hosts.module:perceptron"
    arguments = {"inputs": "$channels", "classes": "$classes", "side": "$height"}
    config = ModuleConfig(target=target, arguments=arguments, weights=weights, recipe={"epochs": epochs})
    host = Module(config)
    network = host.build((1, 4, 4), 3)
    wanted = {name: torch.full_like(tensor, 0.5) for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": wanted}, weights)
    assert host.ready(network, "seed 5")
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in network.state_dict().items())
    assert len(host.fingerprint("seed 5")) == 64
    assert host.fingerprint("null 0") == ""
    if epochs:
        assert not host.ready(network, "null 0")
    else:
        with pytest.raises(NotApplicable, match="null_weights"):
            host.ready(network, "null 0")


@pytest.mark.parametrize("folder", ["mark", "bits"])
def test_the_owner_keeps_no_data_for_a_thief(folder: str, request: pytest.FixtureRequest) -> None:
    about = json.loads((request.getfixturevalue(folder) / "owner" / "claim.json").read_text())
    assert about["split"]["reserve"] == 0
    known = about["readers"]["default"]["chance"] is not None
    assert (about["readers"]["default"]["null_hits"] == []) is known
