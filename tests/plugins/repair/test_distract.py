"""Distraction: the class that comes and goes, the lures, the loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ownmark.contracts import Batch, Samples, Stolen, outputs
from ownmark.errors import NotApplicable
from ownmark_repair.distract.attack import Anchored, Distract, narrowed, preserving, scrambled, widened
from ownmark_repair.distract.config import DistractConfig


def test_the_added_class_leaves_the_others_alone(stolen: Stolen) -> None:
    x, before = stolen.images().x, outputs(stolen.copy(), stolen.images().x)
    wide = outputs(widened(stolen.copy(), 4), x)
    assert torch.equal(wide[:, :4], before)
    assert not wide[:, 4].any()
    assert torch.equal(outputs(narrowed(widened(stolen.copy(), 4), 4), x), before)


def test_suspect_has_the_layers_of_the_stolen_network(stolen: Stolen, fit: Any, rng: Any) -> None:
    settings = DistractConfig(recipe={"epochs": 1}, lures=8)  # type: ignore[arg-type]
    suspect = Distract(settings).attack(stolen, fit, rng(0)).network
    shapes = {name: value.shape for name, value in suspect.state_dict().items()}
    assert shapes == {name: value.shape for name, value in stolen.network.state_dict().items()}


@pytest.mark.parametrize("size", [(8, 8), (9, 7)], ids=str)
def test_scrambling_moves_whole_blocks(rng: Any, size: tuple[int, int]) -> None:
    x = torch.rand(3, 2, *size, generator=rng(0))
    made = scrambled(x, 4, rng(1))
    height, width = size[0] // 4, size[1] // 4

    def tiles(image: torch.Tensor) -> list[bytes]:
        places = [(i * height, j * width) for i in range(4) for j in range(4)]
        return [
            image[:, top : top + height, left : left + width].contiguous().numpy().tobytes()
            for top, left in places
        ]

    for before, after in zip(x, made, strict=True):
        assert sorted(tiles(before)) == sorted(tiles(after))
        assert tiles(before) != tiles(after)
    assert torch.equal(made[:, :, 4 * height :], x[:, :, 4 * height :])


def test_loss_is_divergence_of_anchors_and_cross_entropy_of_lures(stolen: Stolen) -> None:
    network, x = widened(stolen.copy(), 4).eval(), torch.rand(6, 1, 8, 8)
    nn.init.normal_(network.classifier.weight, std=0.5)
    lures = torch.tensor([0, 0, 4, 0, 4, 0])
    found = Anchored(stolen.network, 4, 0.7)(network, Batch(x, lures, torch.arange(6)), 0)
    logits, wanted = outputs(network, x).double().numpy(), outputs(stolen.network, x).double().numpy()
    p = np.exp(wanted) / np.exp(wanted).sum(1, keepdims=True)
    q = np.exp(logits[:, :4]) / np.exp(logits[:, :4]).sum(1, keepdims=True)
    whole = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    rows = np.where(lures.numpy() == 4, -0.7 * np.log(whole[:, 4]), (p * np.log(p / q)).sum(1))
    assert float(found.detach()) == pytest.approx(rows.mean(), rel=1e-4)


def test_preserving_counts_movement_and_leaves_out_the_widened_layer(stolen: Stolen) -> None:
    start = {name: value.detach().clone() for name, value in stolen.network.named_parameters()}
    network = widened(stolen.copy(), 4)
    with torch.no_grad():
        next(iter(network.parameters())).add_(0.5)
    moved = 0.25 * next(iter(network.parameters())).numel()
    batch = Batch(stolen.images().x, None, torch.arange(64))
    assert float(preserving(start, 2.0)(network, batch, 0).detach()) == pytest.approx(2 * moved, rel=1e-4)


@pytest.mark.parametrize(("source", "transfer"), [("auto", True), ("auto", False), ("scrambled", True)])
def test_where_lures_come_from(stolen: Stolen, looking: Any, rng: Any, source: Any, transfer: bool) -> None:
    foreign = Samples(torch.rand(20, 1, 8, 8))
    given = replace(stolen, transfer=foreign if transfer else None)
    Distract(DistractConfig(source=source, lures=12)).attack(given, looking, rng(0))
    shown = looking.asked["samples"]
    lures = shown.x[shown.labels == 4]
    assert len(lures) == 12
    assert torch.equal(lures, foreign.x[:12]) is (source == "auto" and transfer)


def test_transfer_lures_need_transfer_images(stolen: Stolen, looking: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="both data and transfer images"):
        Distract(DistractConfig(source="transfer")).attack(stolen, looking, rng(0))


@pytest.mark.parametrize(
    "network", [nn.Flatten(), nn.Sequential(nn.Conv2d(1, 4, 8), nn.Flatten())], ids=["none", "conv"]
)
def test_a_network_without_a_dense_layer_is_refused(network: nn.Module) -> None:
    with pytest.raises(NotApplicable):
        Distract(DistractConfig()).check(network, (1, 8, 8), 4)
