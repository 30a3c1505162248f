"""Regularisation: shrinking decay, the epoch that is kept, and who decides it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.contracts import Samples, Stolen, outputs
from ownmark_repair.labels import held_back
from ownmark_repair.regularize.attack import Regularize
from ownmark_repair.regularize.config import RegularizeConfig
from ownmark_repair.watching import Best, loss_on


def length(network: nn.Module) -> float:
    return float(torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).norm())


def test_defaults_are_the_soks() -> None:
    config = RegularizeConfig()
    assert (config.decay.weight_decay, config.decay.epochs) == (0.1, 5)
    assert (config.recipe.epochs, config.patience) == (50, 5)


def test_phase_one_shrinks_the_weights(stolen: Stolen, fit: Any, rng: Any) -> None:
    settings = RegularizeConfig(decay={"weight_decay": 2.0, "epochs": 3}, recipe={"epochs": 0})  # type: ignore[arg-type]
    suspect = Regularize(settings).attack(stolen, fit, rng(0)).network
    assert length(suspect) < 0.7 * length(stolen.network)


class Scripted(nn.Module):
    """Answers so that its held-back loss is what the script says."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.logit.expand(len(x)), -self.logit.expand(len(x))], 1)


@pytest.mark.parametrize(
    ("script", "kept", "seen"),
    [([1, 2, 3, 2, 2, 9], 3, 5), ([3, 2, 1, 9], 3, 3), ([1, 2, 3, 4], 4, 4)],
    ids=str,
)
def test_the_best_epoch_is_kept_and_patience_ends(script: list[int], kept: float, seen: int) -> None:
    network, held = Scripted(), Samples(torch.zeros(3, 1), torch.zeros(3, dtype=torch.int64))
    best = Best(held, patience=2)
    for value in script:
        with torch.no_grad():
            network.logit.fill_(value)
        if best(network):
            break
    assert best.epochs == seen
    assert best.restore(network).logit.item() == kept


def test_held_back_loss_is_cross_entropy(stolen: Stolen) -> None:
    samples = stolen.images()
    expected = F.cross_entropy(outputs(stolen.network, samples.x), samples.labels)
    assert loss_on(stolen.network, samples) == pytest.approx(float(expected))


@pytest.mark.parametrize(("count", "held"), [(64, 7), (2, 1), (11, 2)])
def test_images_that_decide_are_not_trained_on(rng: Any, count: int, held: int) -> None:
    samples = Samples(torch.arange(count).float()[:, None], torch.arange(count))
    training, aside = held_back(samples, 0.1, rng(0))
    assert len(aside) == held
    assert sorted([*training.labels.tolist(), *aside.labels.tolist()]) == list(range(count))


def test_regularize_trains_only_on_the_rest(stolen: Stolen, looking: Any, rng: Any) -> None:
    Regularize(RegularizeConfig()).attack(stolen, looking, rng(0))
    assert len(looking.asked["samples"]) == 57
