"""Units: which are found, which are excited by a trigger, and what resetting and holding leave of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ResNetConfig
from ownmark.builtin.hosts.resnet import ResNet
from ownmark.contracts import Recipe, Samples
from ownmark_laundering.holding import Hold
from ownmark_laundering.resetting import (
    differences,
    excited,
    laundered_sites,
    renew_statistics,
    reset,
    strongest,
)
from ownmark_laundering.units import Site, mean_activations, sites


class Late(nn.Module):
    """Defined in another order than it works in, with one ReLU for all."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.out = nn.Linear(5, 3)
        self.hidden = nn.Linear(4 * 36, 5)
        self.norm = nn.BatchNorm2d(4)
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        features = self.relu(self.norm(self.conv(x))).flatten(1)
        logits: Tensor = self.out(self.relu(self.hidden(features)))
        return logits


@pytest.fixture
def late() -> nn.Module:
    network = Late()
    network.train()(torch.rand(50, 1, 8, 8))
    return network.eval()


def names(found: list[Site]) -> list[str]:
    return [site.name for site in found]


def test_sites_are_found_in_working_order_with_what_follows(late: nn.Module) -> None:
    found = sites(late, (1, 8, 8))
    assert names(found) == ["conv", "hidden", "out"]
    assert [site.norm for site in found] == [late.norm, None, None]
    assert [site.activation for site in found] == [late.relu, late.relu, None]
    assert names(laundered_sites(found, "all")) == ["conv", "hidden"]


def test_residual_blocks_are_read_before_the_sum() -> None:
    network = ResNet(ResNetConfig(depth=8, width=4)).build((3, 8, 8), 5).eval()
    found = {site.name: site for site in sites(network, (3, 8, 8))}
    block = network.layer1[0]
    assert found["layer1.0.conv1"].activation is block.relu1
    assert found["layer1.0.conv2"].norm is block.norm2
    assert found["layer1.0.conv2"].activation is None


@pytest.mark.parametrize(("depth", "expected"), [(8, 9), (20, 10)])
def test_second_half_only_in_deep_networks(depth: Any, expected: int) -> None:
    network = ResNet(ResNetConfig(depth=depth, width=2)).build((1, 8, 8), 3).eval()
    found = sites(network, (1, 8, 8))
    chosen = laundered_sites(found, "auto")
    assert len(chosen) == expected
    assert "fc" not in names(chosen)
    assert (names(chosen)[0] == "conv1") == (depth == 8)
    assert all(name.startswith(("layer2", "layer3")) for name in names(laundered_sites(found, "second-half")))


@pytest.mark.parametrize("unit", ["pre_bn", "post_relu"])
def test_mean_activations_equal_a_forward_by_hand(late: nn.Module, unit: str) -> None:
    x = torch.rand(37, 1, 8, 8)
    with torch.no_grad():
        conv = late.conv(x)
        shown = F.relu(late.norm(conv))
        hidden = late.hidden(shown.flatten(1))
        expected = [conv, hidden] if unit == "pre_bn" else [shown, F.relu(hidden)]
    found = mean_activations(late, x, sites(late, (1, 8, 8))[:2], unit, batch_size=10)
    for mean, value in zip(found, expected, strict=True):
        torch.testing.assert_close(mean.float(), value.mean(0))


def test_hand_made_trigger_channel_is_reset_and_clean_channel_is_not() -> None:
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(2)[:, :, None, None])  # channel k shows colour k
        network[0].bias.zero_()
    clean, stamped = torch.zeros(2, 10, 2, 4, 4)
    clean[:, 0] = torch.rand(10, 4, 4)  # content is of colour 0, the trigger of colour 1 in a corner
    stamped[:, 1, 3, 3] = 0.8
    where = laundered_sites(sites(network, (2, 4, 4)), "auto")
    (difference,) = differences(network, clean, stamped, where, "post_relu")
    assert difference.tolist() == pytest.approx([-float(clean[:, 0].mean(0).min()), 0.8])
    for chosen in (excited(difference, 0.5, 0.0), excited(difference, None, 0.5)):
        assert chosen.tolist() == [False, True]
    reset(where[0], chosen, silence=True)
    assert network[0].weight[:, :, 0, 0].tolist() == [[1, 0], [0, 0]]


def test_units_that_clean_images_excite_more_are_kept_by_any_rule() -> None:
    difference = torch.tensor([-3.0, -0.5, 0.0, -1.0])
    assert not excited(difference, None, 0.5).any()
    assert not excited(difference, 0.2, 0.5).any()


def test_quantile_rule_equals_numpy() -> None:
    difference = torch.rand(40, dtype=torch.float64)
    expected = difference.numpy() > np.quantile(difference.numpy(), 0.9)
    assert np.array_equal(excited(difference, None, 0.9).numpy(), expected)
    assert int(expected.sum()) == 4
    assert not excited(difference, None, 1.0).any()


def test_of_a_channel_the_largest_difference_counts() -> None:
    difference = torch.zeros(2, 3, 3)
    difference[0, 1, 2], difference[1] = 5.0, 1.0
    assert strongest(difference).tolist() == [5.0, 1.0]


def test_reset_channel_is_silent_behind_its_norm_and_others_stay(late: nn.Module) -> None:
    site = sites(late, (1, 8, 8))[0]
    with torch.no_grad():
        late.norm.bias += 1
    x = torch.rand(5, 1, 8, 8)
    before = late.norm(late.conv(x))
    reset(site, torch.tensor([False, True, False, False]), silence=True)
    after = late.norm(late.conv(x))
    assert float(after[:, 1].detach().abs().max()) == 0
    torch.testing.assert_close(after[:, [0, 2, 3]], before[:, [0, 2, 3]])


def test_zero_weights_alone_leave_the_norms_constant(late: nn.Module) -> None:
    site = sites(late, (1, 8, 8))[0]
    kept = late.norm.weight.detach().clone()
    reset(site, torch.tensor([False, True, False, False]), silence=False)
    assert torch.equal(late.norm.weight, kept)
    assert len(late.norm(late.conv(torch.rand(5, 1, 8, 8)))[:, 1].unique()) == 1


@pytest.mark.parametrize("hold", [True, False])
def test_held_units_stay_dead_through_training_before_a_residual_sum(fit: Any, hold: bool) -> None:
    network = ResNet(ResNetConfig(depth=8, width=4)).build((1, 8, 8), 3)
    site = next(site for site in sites(network, (1, 8, 8)) if site.name == "layer1.0.conv2")
    units = torch.tensor([True, False, False, True])
    reset(site, units, silence=True)
    x, recipe = torch.rand(64, 1, 8, 8), Recipe(epochs=2, batch_size=16, lr=0.1, schedule="constant")
    callbacks = [Hold([(site, units)])] if hold else []
    fit(network, Samples(x, torch.arange(64) % 3), recipe, callbacks=callbacks)
    left = sum(float(parameter[units].detach().abs().sum()) for parameter in site.parameters())
    assert (left == 0) is hold
    assert all(float(parameter[~units].detach().abs().sum()) > 0 for parameter in site.parameters())


def test_renewed_statistics_are_a_new_norms(late: nn.Module) -> None:
    renew_statistics(late)
    fresh = nn.BatchNorm2d(4)
    assert torch.equal(late.norm.running_mean, fresh.running_mean)
    assert torch.equal(late.norm.running_var, fresh.running_var)


def test_dense_layers_over_tokens_count_features() -> None:
    network = nn.Sequential(
        OrderedDict(flat=nn.Flatten(2), mix=nn.Linear(64, 7), act=nn.Tanh(), end=nn.Flatten())
    )
    x = torch.rand(6, 2, 8, 8)
    (site,) = sites(network, (2, 8, 8))
    found = mean_activations(network, x, [site], "post_relu")[0]
    torch.testing.assert_close(found.float(), torch.tanh(network.mix(x.flatten(2))).mean((0, 1)).detach())


@pytest.mark.parametrize("bias", [True, False])
def test_median_reset_takes_the_layers_median_and_leaves_the_norm(bias: bool) -> None:
    layer, norm = nn.Conv2d(2, 5, 3, bias=bias), nn.BatchNorm2d(5)
    site, median = Site("conv", layer, norm), float(layer.weight.detach().median())
    others = layer.weight[1:].detach().clone()
    reset(site, torch.arange(5) == 0, silence=True, fill="median")
    assert (layer.weight[0] == median).all()
    assert torch.equal(layer.weight[1:], others)
    assert (norm.weight == 1).all()
    assert layer.bias is None or float(layer.bias[0]) == 0
