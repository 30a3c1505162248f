"""Clean BatchNorm: equal to torch's own with all rows, to the chosen rows' statistics with some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ownmark_robust.norms import statistics_of

LAYERS = [
    (nn.BatchNorm2d(5), (6, 5, 4, 4)),
    (nn.BatchNorm1d(5), (6, 5)),
    (nn.BatchNorm2d(5, affine=False), (6, 5, 2, 3)),
]


@pytest.fixture(params=range(len(LAYERS)), ids=["2d", "1d", "plain"])
def case(request: Any, rng: Any) -> tuple[nn.Module, torch.Tensor]:
    layer, shape = LAYERS[request.param]
    if layer.weight is not None:
        nn.init.uniform_(layer.weight, 0.5, 2, generator=rng(0))
        nn.init.uniform_(layer.bias, -1, 1, generator=rng(1))
    return layer.train(), 3 + 2 * torch.randn(shape, generator=rng(2))


def test_all_rows_give_what_torch_gives_in_train_mode(case: Any) -> None:
    layer, x = case
    with statistics_of(layer, None):
        found = layer(x)
    torch.testing.assert_close(found, layer(x), atol=1e-5, rtol=1e-5)


def test_chosen_rows_set_the_statistics_of_all(case: Any) -> None:
    layer, x = case
    with statistics_of(layer, 2):
        found = layer(x).detach().numpy()
    rows, axes = x[2:].numpy(), (0, *range(2, x.ndim))
    mean, variance = rows.mean(axes, keepdims=True), rows.var(axes, keepdims=True)
    shape = (1, 5, *([1] * (x.ndim - 2)))
    weight = np.ones(5) if layer.weight is None else layer.weight.detach().numpy()
    bias = np.zeros(5) if layer.bias is None else layer.bias.detach().numpy()
    expected = (x.numpy() - mean) / np.sqrt(variance + 1e-5) * weight.reshape(shape) + bias.reshape(shape)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_running_statistics_and_layers_stay(case: Any) -> None:
    layer, x = case
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with statistics_of(layer, 1):
        layer(x)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert "forward" not in vars(layer)
    layer(x)
    assert not torch.equal(layer.running_mean, before["running_mean"])


def test_gradients_reach_the_rows_that_give_statistics(case: Any) -> None:
    layer, x = case
    x.requires_grad_()
    with statistics_of(layer, 2):
        (slope,) = torch.autograd.grad(layer(x)[:2].square().sum(), x)
    assert (slope[2:] != 0).any()


def test_the_block_ends_even_if_the_pass_breaks_off(case: Any) -> None:
    layer, _ = case
    with pytest.raises(RuntimeError, match="broken off"), statistics_of(layer, 1):
        raise RuntimeError("broken off")
    assert "forward" not in vars(layer)
