"""Pruning: exact sparsity, nothing else touched."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import Stolen
from ownmark.errors import NotApplicable
from ownmark_repair.prune.attack import Prune, prunable, prune, smallest
from ownmark_repair.prune.config import PruneConfig


def layers(network: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    kinds = (nn.Conv2d, nn.Linear)
    return {n: m.weight.detach().numpy() for n, m in network.named_modules() if isinstance(m, kinds)}


def test_global_pruning_equals_numpy_quantile(stolen: Stolen, looking: Any, rng: Any) -> None:
    before = {name: weight.copy() for name, weight in layers(stolen.network).items()}
    after = layers(Prune(PruneConfig()).attack(stolen, looking, rng(0)).network)
    pooled = np.sort(np.concatenate([np.abs(weight).ravel() for weight in before.values()]))
    cut = pooled[round(0.8 * len(pooled))]
    for name, weight in before.items():
        assert np.array_equal(after[name], np.where(np.abs(weight) < cut, 0, weight))


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.8, 0.99])
def test_sparsity_is_exact(stolen: Stolen, looking: Any, rng: Any, sparsity: float) -> None:
    weights = layers(Prune(PruneConfig(sparsity=sparsity)).attack(stolen, looking, rng(0)).network)
    zeros = np.concatenate([weight.ravel() == 0 for weight in weights.values()])
    assert zeros.mean() == pytest.approx(sparsity, abs=1e-3)


def test_each_layer_gets_its_share(stolen: Stolen, looking: Any, rng: Any) -> None:
    for weight in layers(Prune(PruneConfig(scope="layer")).attack(stolen, looking, rng(0)).network).values():
        assert (weight == 0).sum() == round(0.8 * weight.size)


def test_ties_do_not_prune_more() -> None:
    equal, signs = torch.full((7, 5), 0.5), torch.tensor([-0.5, 0.5] * 8).reshape(4, 4)
    masks = smallest([equal, signs], 0.6)
    assert sum(int(mask.sum()) for mask in masks) == round(0.6 * 51)
    assert [mask.shape for mask in masks] == [equal.shape, signs.shape]


def test_batchnorm_biases_and_the_given_network_stay(stolen: Stolen, looking: Any, rng: Any) -> None:
    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    after = Prune(PruneConfig()).attack(stolen, looking, rng(0)).network.state_dict()
    pruned = {f"{name}.weight" for name in layers(stolen.network)}
    assert set(after) == set(before)
    assert all(torch.equal(after[name], before[name]) for name in set(before) - pruned)
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())


def test_a_shared_weight_counts_once() -> None:
    one, two = nn.Linear(4, 4), nn.Linear(4, 4)
    two.weight = one.weight
    network = nn.Sequential(one, two, nn.ConvTranspose2d(2, 3, 3))
    assert len(prunable(network)) == 2
    prune(network, 0.5)
    assert sum(int((weight == 0).sum()) for weight in prunable(network)) == round(0.5 * (16 + 54))


def test_nothing_to_prune() -> None:
    with pytest.raises(NotApplicable, match="neither convolutions nor linear layers"):
        Prune(PruneConfig()).check(nn.BatchNorm2d(3), (3, 8, 8), 10)


@pytest.mark.parametrize(
    "bad", [{"sparsity": 1.2}, {"sparsity": 1.0}, {"scope": "all"}, {"ratio": 0.5}], ids=str
)
def test_prune_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PruneConfig(**bad)


def test_repair_declarations_load_neither_torch_nor_pydantic() -> None:
    modules = "ownmark_repair.prune, ownmark_repair.finetune"
    code = f"import sys, {modules}; sys.exit(bool({{'torch', 'pydantic'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
