"""Learning rates, each against an oracle of a few lines; optimisers, by what they are made with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from ownmark.contracts import Recipe
from ownmark.loops import rate_factor
from ownmark.loops.schedule import optimizer

STEPS, EPOCHS = 60, 12


def factors(**fields: Any) -> list[float]:
    recipe = Recipe(epochs=EPOCHS, **fields)
    return [rate_factor(recipe, step, STEPS) for step in range(STEPS)]


def one_cycle(step: int) -> float:
    """torch's own, up to the floor it ends on."""
    weight = nn.Parameter(torch.zeros(1))
    chosen = torch.optim.SGD([weight], 1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        chosen, 1.0, total_steps=STEPS + 1, pct_start=(0.3 * STEPS + 1) / (STEPS + 1), div_factor=25.0,
        final_div_factor=1e9, cycle_momentum=False,
    )  # fmt: skip
    for _ in range(step):
        chosen.step()
        cycle.step()
    return float(chosen.param_groups[0]["lr"])


ORACLES: dict[str, tuple[dict[str, Any], Callable[[int], float]]] = {
    "constant": ({"schedule": "constant"}, lambda step: 1.0),
    "steps": (
        {"schedule": "steps", "milestones": (0.5, 0.75), "factor": 0.1},
        lambda step: 1.0 if step < 30 else 0.1 if step < 45 else 0.01,
    ),
    "every": ({"schedule": "every", "period": 5, "factor": 0.5}, lambda step: 0.5 ** (step // 25)),
    "cosine": ({"schedule": "cosine"}, lambda step: math.cos(math.pi * step / STEPS / 2) ** 2),
    "one-cycle": ({"schedule": "one-cycle"}, one_cycle),
    "restarts": (
        {"schedule": "restarts", "period": 3},
        lambda step: math.cos(math.pi * (step % 15) / 15 / 2) ** 2,
    ),
}


@pytest.mark.parametrize("name", ORACLES)
def test_the_rate_follows_its_oracle(name: str) -> None:
    fields, oracle = ORACLES[name]
    assert factors(**fields) == pytest.approx([oracle(step) for step in range(STEPS)], abs=1e-6)


@pytest.mark.parametrize(("epochs", "batches"), [(30, 7), (22, 1), (23, 1)])
def test_halving_each_epoch_acts_exactly_at_the_epochs_first_step(epochs: int, batches: int) -> None:
    """15 / 22 * 22 is a little less than 15."""
    recipe, steps = Recipe(epochs=epochs, schedule="every", period=1, factor=0.5), epochs * batches
    found = [rate_factor(recipe, step, steps) for step in range(steps)]
    assert found == [0.5 ** (step // batches) for step in range(steps)]


@pytest.mark.parametrize(("epochs", "batches"), [(30, 7), (22, 1), (23, 1)])
def test_restarts_begin_exactly_at_the_epochs_first_step(epochs: int, batches: int) -> None:
    recipe, steps = Recipe(epochs=epochs, schedule="restarts", period=1), epochs * batches
    found = [rate_factor(recipe, step, steps) for step in range(0, steps, batches)]
    assert found == pytest.approx([1.0] * epochs)


def test_one_step_in_all_has_a_rate() -> None:
    for schedule in ("constant", "steps", "every", "cosine", "one-cycle", "restarts"):
        assert 0 < rate_factor(Recipe(schedule=schedule), 0, 1) <= 1


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({"optimizer": "sgd", "nesterov": True}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ({"optimizer": "adam", "momentum": 0.5}, torch.optim.Adam, {"betas": (0.5, 0.999)}),
        ({"optimizer": "adamw"}, torch.optim.AdamW, {"betas": (0.9, 0.999)}),
        ({"optimizer": "rmsprop", "momentum": 0.3}, torch.optim.RMSprop, {"momentum": 0.3}),
    ],
    ids=["sgd", "adam", "adamw", "rmsprop"],
)
def test_optimisers_get_what_the_recipe_says(
    fields: dict[str, Any], kind: type, expected: dict[str, Any]
) -> None:
    made = optimizer(Recipe(lr=0.02, weight_decay=0.003, **fields), nn.Linear(2, 2).parameters())
    assert type(made) is kind
    assert made.defaults.items() >= {"lr": 0.02, "weight_decay": 0.003, **expected}.items()
