"""Quantisation: the grid of a scale, per tensor and per output, and what is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ownmark.contracts import Stolen
from ownmark.errors import NotApplicable
from ownmark_repair.quantize.attack import Quantize, quantizable, quantized
from ownmark_repair.quantize.config import QuantizeConfig


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("axis", [None, 0, 1], ids=["tensor", "outputs", "second axis"])
def test_weights_are_rounded_to_the_symmetric_grid(rng: Any, bits: int, axis: int | None) -> None:
    weight = torch.randn(6, 5, 3, 3, generator=rng(0)) * torch.tensor([1.0, 10, 0.1, 1, 1])[:, None, None]
    found, w = quantized(weight, bits, axis).numpy(), weight.numpy()
    rest = None if axis is None else tuple(a for a in range(4) if a != axis)
    most = np.abs(w).max(rest, keepdims=True)
    scale = most / ((2**bits - 1) / 2)
    expected = np.clip(np.round(w / scale), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale
    tie = np.abs(np.abs(w / scale) % 1 - 0.5) < 1e-3  # the largest weight lies half a step beyond the grid
    assert tie.mean() < 0.1
    np.testing.assert_allclose(found[~tie], expected[~tie], rtol=1e-4, atol=1e-6)
    assert (np.abs(found - w) <= 0.5001 * scale).all()


@pytest.mark.parametrize("per", ["tensor", "channel"])
def test_each_scale_has_few_values_and_nothing_else_changes(
    stolen: Stolen, looking: Any, rng: Any, per: Any
) -> None:
    suspect = Quantize(QuantizeConfig(bits=4, per=per)).attack(stolen, looking, rng(0)).network
    before, after = stolen.network.state_dict(), suspect.state_dict()
    names = quantizable(stolen.network)
    for name in names:
        weight = after.pop(f"{name}.weight")
        for part in [weight] if per == "tensor" else weight:
            assert len(part.unique()) <= 16
        assert not torch.equal(weight, before[f"{name}.weight"])
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_transposed_convolutions_have_their_outputs_second() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(2, 3, 3), nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    assert quantizable(network) == {"0": 1, "1": 0}


def test_networks_without_layers_to_quantise_are_refused() -> None:
    with pytest.raises(NotApplicable, match="to quantise"):
        Quantize(QuantizeConfig()).check(nn.BatchNorm2d(3), (3, 8, 8), 10)


@pytest.mark.parametrize("bad", [{"bits": 1}, {"bits": 16}, {"per": "row"}], ids=str)
def test_quantize_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QuantizeConfig(**bad)
