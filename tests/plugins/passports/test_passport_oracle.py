"""Scales recomputed with scipy's convolution from saved weights and the saved key; the equations one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from scipy.signal import correlate2d
from torch import nn

from ownmark.contracts import Key, WhiteBox, seeded
from ownmark.errors import NotApplicable
from ownmark_passports.message import bits_of, sealed, sign_loss, text_of, unsealed
from ownmark_passports.passport import (
    attainable,
    mean_windows,
    passport_with,
    random_passports,
    scales,
    shuffled_passports,
    windows_for,
)
from ownmark_passports.reading import PassportExtractor


def mean_convolution(weight: np.ndarray[Any, Any], passport: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Mean over positions of the zero-padded convolution, channel by channel with scipy: [out]."""
    padded = np.pad(passport.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    maps = [
        sum(correlate2d(plane, kernel, "valid") for plane, kernel in zip(padded, filters, strict=True))
        for filters in weight.astype(np.float64)
    ]
    return np.array([np.mean(one) for one in maps])


def test_extraction_equals_scipy_on_saved_files(case: Any, tmp_path: Path) -> None:
    save_file(case.marked.network.state_dict(), tmp_path / "weights.safetensors")
    case.marked.key.save(tmp_path / "key.safetensors")
    weights, key = load_file(tmp_path / "weights.safetensors"), load_file(tmp_path / "key.safetensors")
    layers = Key.load(tmp_path / "key.safetensors").values["layers"]
    gamma = np.concatenate(
        [mean_convolution(weights[f"{n}.weight"], key[f"passport.{i}"][0]) for i, n in enumerate(layers)]
    )
    found = PassportExtractor().extract(WhiteBox(case.marked.network), Key.load(tmp_path / "key.safetensors"))
    assert np.array_equal(found.matches.numpy(), (gamma > 0) == key["bits"].astype(bool))
    text = np.packbits(((gamma > 0).astype(np.uint8) ^ key["pad"])[:160]).tobytes()
    assert text == b"this is my signature"
    assert (found.rate, found.n, found.chance, found.extras["text"]) == (1.0, 192, 0.5, text.decode())


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 2, 0), (5, 1, 0)], ids=str
)
def test_mean_window_is_the_mean_convolution(kernel: int, stride: int, padding: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv = nn.Conv2d(4, 6, kernel, stride, padding, bias=False)
        passports = torch.randn(2, 4, 9, 7)
    expected = conv(passports).mean((2, 3))
    torch.testing.assert_close(scales(conv.weight, mean_windows(passports, conv)), expected)


def test_scales_have_gradients_into_the_weight() -> None:
    weight, windows = torch.ones(3, 2, 1, 1, requires_grad=True), torch.tensor([[2.0, -1.0]])
    scales(weight, windows).sum().backward()
    assert weight.grad is not None
    assert weight.grad.flatten(1).tolist() == [[2.0, -1.0]] * 3


def test_sign_loss_is_a_sum_of_hinges_and_squares() -> None:
    scale, bits = torch.tensor([0.3, 0.05, -0.2, 0.0]), torch.tensor([1, 1, 1, 0])
    hinges = 0.0 + 0.05 + 0.3 + 0.1
    squares = 0.09 + 0.0025 + 0.04
    assert sign_loss(scale, bits, 0.5, 0.1).item() == pytest.approx(0.5 * hinges + 1e-5 * squares)


def test_passports_solved_for_scales_make_them() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        wanted = torch.randn(2, 16)
    solved = passport_with(windows_for(wanted, conv, (8, 6, 6)), conv, (8, 6, 6))
    torch.testing.assert_close(conv(solved).mean((2, 3)), wanted, rtol=1e-3, atol=1e-4)


def test_random_passports_are_uniform(rng: Any) -> None:
    drawn = random_passports((16, 20, 20), rng(0))
    assert drawn.shape == (2, 16, 20, 20)
    assert drawn.abs().max() <= 1
    assert drawn.mean().abs() < 0.02
    assert drawn.var().item() == pytest.approx(1 / 3, rel=0.03)


def test_shuffled_passports_use_no_channel_of_an_image_twice(rng: Any) -> None:
    activations = torch.arange(5 * 12).float().reshape(5, 12, 1, 1).expand(5, 12, 3, 3)
    scale, bias = shuffled_passports(activations, rng(0))[:, :, 0, 0].int().tolist()
    assert len(set(scale)) == len(set(bias)) == 12
    assert [value // 12 for value in scale] == [j % 5 for j in range(12)]
    assert scale != bias


def test_passports_of_the_first_layer_are_whole_images(rng: Any) -> None:
    images = torch.rand(5, 3, 4, 4, generator=rng(1))
    for passport in shuffled_passports(images, rng(0)):
        assert any(torch.equal(passport, image) for image in images)


def test_text_goes_under_the_pad_and_comes_back() -> None:
    pad = torch.arange(32).remainder(3).eq(0).to(torch.uint8)
    bits = sealed("né", pad)
    assert bits.shape == (32,)
    assert unsealed(bits, pad, "né") == "né"
    assert text_of(bits_of("né")) == "né"


def test_text_longer_than_the_channels_is_refused() -> None:
    with pytest.raises(NotApplicable, match="160 bits do not fit into 128 channels"):
        sealed("this is my signature", torch.zeros(128, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "outputs"),
    [(1, 2, 0, 64), (1, 1, 0, 64), (3, 1, 1, 64), (3, 1, 1, 32), (1, 1, 0, 6)],
)
def test_attainable_scales_have_passports_and_the_nearest_are_taken_of_others(
    kernel: int, stride: int, padding: int, outputs: int, rng: Any
) -> None:
    """The shortcut of a residual block: 1x1, more filters than inputs, so that most scales have no passports."""
    shape = (6, 8, 8)
    with seeded(rng(0)):
        conv = nn.Conv2d(6, outputs, kernel, stride, padding, bias=False)
        wanted = torch.randn(2, outputs)
    projector = attainable(conv, shape)
    near = wanted @ projector
    made = scales(conv.weight, mean_windows(passport_with(windows_for(near, conv, shape), conv, shape), conv))
    torch.testing.assert_close(made, near, atol=2e-3, rtol=1e-2)
    assert torch.linalg.matrix_rank(projector, atol=1e-3) == min(outputs, 6 * kernel**2)
    off = (wanted - near) @ conv.weight.flatten(1)  # what is left over no passport makes
    assert off.abs().max() < 1e-3
