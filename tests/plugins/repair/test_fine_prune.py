"""Fine-pruning: which units go, that they stay silent, presets, refusals."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import Stolen, outputs
from ownmark.errors import NotApplicable
from ownmark_repair.fine_prune.attack import KEPT, FinePrune, activity, least_active
from ownmark_repair.fine_prune.config import FinePruneConfig
from ownmark_repair.maps import captured, last_map

STILL = {"recipe": {"epochs": 0}}
ONE = {"recipe": {"epochs": 1, "lr": 0.05}}


def attack(stolen: Stolen, fit: Any, rng: Any, **parameters: Any) -> nn.Module:
    return FinePrune(FinePruneConfig(**parameters)).attack(stolen, fit, rng(0)).network


def maps_of(network: nn.Module, x: torch.Tensor) -> np.ndarray[Any, Any]:
    layer = last_map(network, (1, 8, 8)).name
    with captured(network, [layer]) as found:
        outputs(network, x)
    return found[layer].numpy()


@pytest.mark.parametrize(("unit", "axes"), [("channel", (0, 2, 3)), ("neuron", (0,))])
def test_exactly_the_least_active_units_go(stolen: Stolen, fit: Any, rng: Any, unit: Any, axes: Any) -> None:
    before = maps_of(copy.deepcopy(stolen.network), stolen.images().x)
    after = maps_of(attack(stolen, fit, rng, share=0.25, unit=unit, **STILL), stolen.images().x)
    score = np.abs(before).mean(axes)
    gone = np.zeros(score.size, dtype=bool)
    gone[np.argsort(score.ravel(), kind="stable")[: round(0.25 * score.size)]] = True
    kept = ~gone.reshape(score.shape)
    expected = before * (kept[:, None, None] if unit == "channel" else kept)
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("recipe", [STILL, ONE], ids=["before training", "after training"])
@pytest.mark.parametrize("unit", ["channel", "neuron"])
def test_silenced_units_are_exactly_zero(stolen: Stolen, fit: Any, rng: Any, recipe: Any, unit: Any) -> None:
    network = attack(stolen, fit, rng, share=0.5, unit=unit, **recipe)
    kept = dict(network.named_buffers())[f"{last_map(network, (1, 8, 8)).name}.{KEPT}"]
    silent = maps_of(network, torch.rand(20, 1, 8, 8))[:, (kept == 0).expand(64, 2, 2).numpy()]
    assert silent.size
    assert not silent.any()


def test_suspect_is_restored_with_its_masks(stolen: Stolen, fit: Any, rng: Any) -> None:
    network, x = attack(stolen, fit, rng, **ONE), stolen.images().x
    again = FinePrune(FinePruneConfig()).restore(stolen.copy(), network.state_dict())
    assert torch.equal(outputs(again, x), outputs(network, x))
    assert set(again.state_dict()) == set(network.state_dict())


def test_activity_is_summed_over_batches(stolen: Stolen) -> None:
    x = torch.rand(1100, 1, 8, 8)
    layer = last_map(stolen.network, (1, 8, 8)).name
    whole = maps_of(stolen.copy(), x[-76:])  # 1100 images are two batches of 512 and one of 76
    assert whole.shape[0] == 76
    parts = torch.stack([activity(stolen.network, layer, part, "neuron") for part in torch.split(x, 100)])
    torch.testing.assert_close(activity(stolen.network, layer, x, "neuron"), parts.mean(0))


def test_ties_do_not_prune_more_units() -> None:
    assert int((least_active(torch.ones(7, 3, 3), 0.4) == 0).sum()) == round(0.4 * 63)


@pytest.mark.parametrize(
    ("preset", "share", "unit", "epochs"),
    [("app", 0.9, "channel", 30), ("mira", 0.2, "neuron", 30), ("wrt", 0.96, "neuron", 10)],
)
def test_presets_are_the_papers(preset: Any, share: float, unit: str, epochs: int) -> None:
    config = FinePruneConfig(preset=preset)
    assert (config.share, config.unit, config.recipe.epochs) == (share, unit, epochs)


def test_what_a_plan_says_wins_over_the_preset() -> None:
    config = FinePruneConfig(preset="wrt", share=0.5, recipe={"epochs": 3})  # type: ignore[arg-type]
    assert (config.share, config.unit, config.recipe.epochs, config.recipe.lr) == (0.5, "neuron", 3, 0.001)


@pytest.mark.parametrize(
    "bad", [{"share": 1.0}, {"preset": "nobody"}, {"unit": "layer"}, {"rate": 0.9}], ids=str
)
def test_fine_prune_bad_parameters(bad: Any) -> None:
    with pytest.raises(ValidationError):
        FinePruneConfig(**bad)


@pytest.mark.parametrize("name", ["layer4", "classifier"])
def test_layers_without_a_map_are_refused_with_those_that_have_one(stolen: Stolen, name: str) -> None:
    with pytest.raises(NotApplicable, match=r"no feature map of a layer .*features\.2"):
        FinePrune(FinePruneConfig(layer=name)).check(stolen.network, (1, 8, 8), 4)


def test_a_share_that_leaves_no_unit_is_refused(stolen: Stolen) -> None:
    with pytest.raises(NotApplicable, match="prunes all 64 channels"):
        FinePrune(FinePruneConfig(share=0.995)).check(stolen.network, (1, 8, 8), 4)


def test_a_network_without_maps_is_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(NotApplicable, match="no feature map"):
        FinePrune(FinePruneConfig()).check(network, (1, 8, 8), 4)
