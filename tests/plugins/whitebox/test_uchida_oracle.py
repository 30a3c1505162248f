"""Uchida's mark recomputed with numpy from saved weights and the saved key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from ownmark.contracts import HostView, Key, Marked, Task, WhiteBox
from ownmark_whitebox.message import bits_of, text_of
from ownmark_whitebox.uchida.config import UchidaConfig
from ownmark_whitebox.uchida.extractor import UchidaExtractor
from ownmark_whitebox.uchida.message import message_loss
from ownmark_whitebox.uchida.scheme import Uchida

Rng = Callable[[int], torch.Generator]
RECIPE = {"epochs": 8, "lr": 0.1}


@pytest.fixture
def marked(task: Task, host: HostView, fit: Any, rng: Rng) -> Marked:
    scheme = Uchida(UchidaConfig(strength=0.1))
    return scheme.embed(host, scheme.make_key(task, rng(0)), task, fit)


def test_extraction_equals_numpy_on_saved_files(marked: Marked, tmp_path: Path) -> None:
    save_file(marked.network.state_dict(), tmp_path / "weights.safetensors")
    marked.key.save(tmp_path / "key.safetensors")
    weights, key = load_file(tmp_path / "weights.safetensors"), load_file(tmp_path / "key.safetensors")
    layer = Key.load(tmp_path / "key.safetensors").values["layer"]
    mean = weights[f"{layer}.weight"].mean(axis=0).reshape(-1)
    bits = (key["projection"] @ mean > 0).astype(np.uint8)
    found = UchidaExtractor().extract(WhiteBox(marked.network), marked.key)
    assert np.array_equal(found.matches.numpy(), bits == key["bits"])
    assert np.array_equal(np.packbits(bits), np.frombuffer(b"this is my signature", dtype=np.uint8))
    assert (found.rate, found.n, found.chance, found.extras["text"]) == (
        1.0,
        160,
        0.5,
        "this is my signature",
    )


def test_averaging_over_inputs_writes_and_reads_the_other_mean(
    task: Task, host: HostView, fit: Any, rng: Rng, tmp_path: Path
) -> None:
    scheme = Uchida(UchidaConfig(strength=0.1, average="inputs", bits=64))
    marked = scheme.embed(host, scheme.make_key(task, rng(0)), task, fit)
    weight = marked.network.state_dict()[f"{marked.key.values['layer']}.weight"].numpy()
    projection, bits = marked.key["projection"].numpy(), marked.key["bits"].numpy()
    assert projection.shape == (64, weight.shape[0] * 9)
    assert np.array_equal(projection @ weight.mean(axis=1).reshape(-1) > 0, bits == 1)
    assert UchidaExtractor().extract(WhiteBox(marked.network), marked.key).rate == 1.0


def test_layer_is_the_one_with_most_inputs_that_reads_no_image(marked: Marked) -> None:
    assert marked.key.values["layer"] == "features.2.conv"
    assert marked.key["projection"].shape == (160, 64 * 9)


def test_extraction_changes_nothing(marked: Marked) -> None:
    before, digest = {k: v.clone() for k, v in marked.network.state_dict().items()}, marked.key.digest()
    UchidaExtractor().extract(WhiteBox(marked.network), marked.key)
    assert all(torch.equal(v, before[k]) for k, v in marked.network.state_dict().items())
    assert marked.key.digest() == digest


def test_loss_and_gradient_follow_the_formula() -> None:
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(6, 4, 3, 3, generator=draw, requires_grad=True)
    projection, bits = torch.randn(10, 36, generator=draw), torch.arange(10).remainder(2).to(torch.uint8)
    loss = message_loss(weight, projection, bits)
    loss.backward()
    w, x, b = weight.detach().double().numpy(), projection.double().numpy(), bits.numpy()
    y = 1 / (1 + np.exp(-x @ w.mean(0).reshape(-1)))
    np.testing.assert_allclose(loss.item(), -(b * np.log(y) + (1 - b) * np.log(1 - y)).sum(), rtol=1e-5)
    gradient = np.broadcast_to(((y - b) @ x / 6).reshape(1, 4, 3, 3), w.shape)
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=1e-4, atol=1e-6)


def test_loss_stays_float32_under_autocast() -> None:
    draw = torch.Generator().manual_seed(0)
    arguments = torch.randn(64, 32, 3, 3, generator=draw), torch.randn(8, 288, generator=draw), torch.ones(8)
    with torch.autocast("cpu", torch.bfloat16):
        inside = message_loss(*arguments)
    assert inside.dtype == torch.float32
    assert inside == message_loss(*arguments)


def test_strength_zero_is_plain_training(task: Task, host: HostView, rng: Rng, fits: Any) -> None:
    scheme = Uchida(UchidaConfig(strength=0))
    marked = scheme.embed(host, scheme.make_key(task, rng(0)), task, fits())
    fit = fits()
    plain = fit(host.blank(fit.rng), task.owner, host.recipe, terms=host.terms)
    assert all(torch.equal(v, plain.state_dict()[k]) for k, v in marked.network.state_dict().items())


def test_trained_host_can_be_marked_too(task: Task, host: HostView, rng: Rng, fit: Any) -> None:
    scheme = Uchida(UchidaConfig(bits=32, start="trained", recipe=RECIPE))
    marked = scheme.embed(host, scheme.make_key(task, rng(0)), task, fit)
    found = UchidaExtractor().extract(WhiteBox(marked.network), marked.key)
    assert found.rate == 1.0
    assert "text" not in found.extras


def test_fresh_keys_read_half_of_their_bits_on_an_unmarked_network(
    task: Task, host: HostView, rng: Rng
) -> None:
    suspect, scheme = WhiteBox(host.blank(rng(9))), Uchida(UchidaConfig())
    hits = [UchidaExtractor().extract(suspect, scheme.make_key(task, rng(s))).hits for s in range(60)]
    assert np.mean(hits) == pytest.approx(80, abs=3 * np.sqrt(40 / 60))
    assert np.std(hits) == pytest.approx(np.sqrt(40), rel=0.35)


def test_key_is_a_pure_function_of_its_randomness(task: Task, rng: Rng) -> None:
    scheme = Uchida(UchidaConfig(bits=64))
    assert scheme.make_key(task, rng(1)).digest() == scheme.make_key(task, rng(1)).digest()
    assert not torch.equal(scheme.make_key(task, rng(1))["bits"], scheme.make_key(task, rng(2))["bits"])


@pytest.mark.parametrize("text", ["this is my signature", "é", "\x00ÿ"])
def test_bits_are_utf8_most_significant_first(text: str) -> None:
    assert bits_of(text).tolist() == np.unpackbits(np.frombuffer(text.encode(), dtype=np.uint8)).tolist()
    assert text_of(bits_of(text)) == text
