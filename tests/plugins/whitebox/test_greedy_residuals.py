"""Greedy Residuals, recomputed with numpy from saved weights and the saved key; what it refuses."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from ownmark.contracts import HostView, Key, Marked, Recipe, Samples, Task, WhiteBox, predictions
from ownmark.errors import MethodUnavailable, NotApplicable, Unreadable
from ownmark_whitebox.greedy_residuals import ownmark_schemes
from ownmark_whitebox.greedy_residuals.config import GreedyResidualsConfig
from ownmark_whitebox.greedy_residuals.extractor import GreedyResidualsExtractor
from ownmark_whitebox.greedy_residuals.identity import verify_signature
from ownmark_whitebox.greedy_residuals.primes import drawn_prime
from ownmark_whitebox.greedy_residuals.residuals import hinge, needed_strength, residuals, rows_of
from ownmark_whitebox.greedy_residuals.scheme import GreedyResiduals, signature_of

Rng = Callable[[int], torch.Generator]


def embedded(seed: int, task: Task, host: HostView, fit: Any, rng: Rng, **config: Any) -> Marked:
    scheme = GreedyResiduals(GreedyResidualsConfig(**{"signature": "ed25519", **config}))
    return scheme.embed(host, scheme.make_key(task, rng(seed)), task, fit)


@pytest.fixture
def marked(task: Task, host: HostView, fit: Any, rng: Rng) -> Marked:
    return embedded(0, task, host, fit, rng)


def pooled(v: np.ndarray, length: int) -> np.ndarray:
    """Entry i is the mean of v from floor(i n / length) to ceil((i + 1) n / length)."""
    i, n = np.arange(length), len(v)
    start, stop = i * n // length, -(-(i + 1) * n // length)
    sums = np.concatenate([[0.0], np.cumsum(v.astype(np.float64))])
    return (sums[stop] - sums[start]) / (stop - start)


def numpy_residuals(weight: np.ndarray, bits: int, columns: int, eta: float) -> np.ndarray:
    v = weight.reshape(-1)
    rows = pooled(v[: len(v) // columns * columns], bits * columns).reshape(bits, columns)
    for row in rows:
        row[np.argsort(np.abs(row))[: int(columns * (1 - eta) + 0.5)]] = 0
    return rows.sum(1) / columns


@pytest.mark.parametrize(("columns", "signature"), [(253, "rsa"), (None, "ed25519")])
def test_extraction_equals_numpy_on_saved_files(
    columns: int | None, signature: str, task: Task, host: HostView, fit: Any, rng: Rng, tmp_path: Path
) -> None:
    marked = embedded(0, task, host, fit, rng, columns=columns, signature=signature)
    save_file(marked.network.state_dict(), tmp_path / "weights.safetensors")
    marked.key.save(tmp_path / "key.safetensors")
    weights, key = load_file(tmp_path / "weights.safetensors"), Key.load(tmp_path / "key.safetensors")
    digest = hashlib.sha256(bytes(key["signature"].tolist())).digest()
    message = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))
    for name, network in (("marked", marked.network), ("null", host.blank(rng(9)))):
        weight = network.state_dict()["features.1.conv.weight"].numpy()
        if name == "marked":
            weight = weights[key.values["layer"] + ".weight"]
        bits = numpy_residuals(weight, 256, columns or 72, 0.5) > 0
        found = GreedyResidualsExtractor().extract(WhiteBox(network), key)
        assert np.array_equal(found.matches.numpy(), bits == message), name
    assert np.array_equal(
        numpy_residuals(weights["features.1.conv.weight"], 256, columns or 72, 0.5) > 0, message
    )


def test_mark_reads_without_error_and_costs_no_accuracy(
    marked: Marked, host: HostView, task: Task, digits: tuple[Samples, Samples], fits: Any
) -> None:
    found = GreedyResidualsExtractor().extract(WhiteBox(marked.network), marked.key)
    assert (found.rate, found.n, found.chance) == (1.0, 256, 0.5)
    assert found.extras == {"signature": "valid", "hash": "equal"}
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("start", ["scratch", "trained"])
def test_three_seeds(
    seed: int, start: str, task: Task, host: HostView, fits: Any, rng: Rng, digits: tuple[Samples, Samples]
) -> None:
    plain = fits()(host.blank(rng(seed)), task.owner, host.recipe, terms=host.terms)
    marked = embedded(seed, task, replace(host, trained=lambda: plain), fits(), rng, start=start)
    assert GreedyResidualsExtractor().extract(WhiteBox(marked.network), marked.key).rate == 1.0
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


def assert_keeps_accuracy(
    network: nn.Module, host: HostView, task: Task, digits: tuple[Samples, Samples], fit: Any
) -> None:
    plain = fit(host.blank(fit.rng), task.owner, host.recipe, terms=host.terms)
    ours, theirs = (
        float((predictions(n, digits[1].x) == digits[1].labels).float().mean()) for n in (network, plain)
    )
    assert ours >= theirs - 0.01


def test_fresh_keys_read_half_of_their_bits_on_an_unmarked_network(
    task: Task, host: HostView, rng: Rng
) -> None:
    suspect, scheme = (
        WhiteBox(host.blank(rng(9))),
        GreedyResiduals(GreedyResidualsConfig(bits=64, columns=72, signature="ed25519")),
    )
    hits = [
        GreedyResidualsExtractor().extract(suspect, scheme.make_key(task, rng(s))).hits for s in range(60)
    ]
    assert np.mean(hits) == pytest.approx(32, abs=3 * np.sqrt(16 / 60))
    assert np.std(hits) == pytest.approx(4, rel=0.35)


@pytest.mark.parametrize("signature", ["rsa", "ed25519"])
def test_anybody_can_verify_and_nobody_else_can_sign(signature: str, task: Task, rng: Rng) -> None:
    scheme = GreedyResiduals(GreedyResidualsConfig(message="model 7 is ACME's", signature=signature))
    key, other = scheme.make_key(task, rng(0)), scheme.make_key(task, rng(1))
    signed = signature_of(key)
    assert verify_signature(key.values["public_key"], "model 7 is ACME's", signed)
    assert not verify_signature(key.values["public_key"], "model 7 is mine", signed)
    assert not verify_signature(other.values["public_key"], "model 7 is ACME's", signed)
    assert not verify_signature(
        key.values["public_key"], "model 7 is ACME's", signed[:-1] + bytes([signed[-1] ^ 1])
    )
    assert not verify_signature("no key", "model 7 is ACME's", signed)


def test_a_signature_that_does_not_verify_matches_nowhere(marked: Marked) -> None:
    forged = marked.key.add(assertion="this model is somebody else's")
    found = GreedyResidualsExtractor().extract(WhiteBox(marked.network), forged)
    assert (found.rate, found.extras["signature"]) == (0.0, "invalid")


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_key_is_a_pure_function_of_its_randomness(kind: str, task: Task, rng: Rng) -> None:
    scheme = GreedyResiduals(GreedyResidualsConfig(signature=kind, key_size=1024))
    assert scheme.make_key(task, rng(1)).digest() == scheme.make_key(task, rng(1)).digest()
    assert scheme.make_key(task, rng(1)).digest() != scheme.make_key(task, rng(2)).digest()


def test_signature_is_textbook_rsa_of_the_padded_hash(task: Task, rng: Rng) -> None:
    """RFC 8017, 8.2: s = (00 01 ff .. ff 00 | DigestInfo | SHA-256(assertion))^d, so s^e gives that back."""
    scheme = GreedyResiduals(GreedyResidualsConfig(key_size=1024, message="mine"))
    key = scheme.make_key(task, rng(0))
    numbers = load_pem_public_key(key.values["public_key"].encode()).public_numbers()
    opened = pow(int.from_bytes(signature_of(key), "big"), numbers.e, numbers.n).to_bytes(128, "big")
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"mine").digest()
    assert opened == b"\0\1" + b"\xff" * (128 - 3 - len(info)) + b"\0" + info
    assert (numbers.e, numbers.n.bit_length()) == (65537, 1024)


def test_drawn_primes_are_prime_and_as_long_as_asked() -> None:
    """2^(p - 1) = 1 mod p (Fermat), checked without the library that found them."""
    bytes_of = np.random.default_rng(0).bytes
    for bits in (128, 512):
        prime = drawn_prime(bits, bytes_of)
        assert prime >> (bits - 2) == 3
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7))
        assert (prime - 1) % 65537


def test_only_selected_entries_have_a_gradient() -> None:
    rows = torch.tensor([[3.0, -1.0, 0.5, -4.0]], requires_grad=True)
    found = residuals(rows, eta=0.5)
    hinge(found, torch.tensor([1]), threshold=0.1).backward()
    assert found.item() == -0.25
    assert rows.grad is not None
    assert rows.grad.tolist() == [[-0.25, 0, 0, -0.25]]


def test_short_layers_are_stretched_and_the_rest_is_left_out() -> None:
    rows = rows_of(torch.arange(7.0).reshape(7, 1), bits=2, columns=3)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert rows_of(torch.arange(3.0).reshape(3, 1), bits=2, columns=3).tolist() == [[0, 0, 1], [1, 2, 2]]


def test_strength_of_the_papers_recipe_is_left_alone() -> None:
    paper = Recipe(epochs=200, batch_size=64, lr=0.01, momentum=0.9, schedule="steps")
    assert needed_strength(paper, 200 * 382, 1728 / 256, 0.2) < 0.01
    assert needed_strength(paper.change(epochs=1), 10, 1728 / 256, 0.2) > 0.01
    assert needed_strength(paper.change(optimizer="adam"), 10, 1728 / 256, 0.2) == 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"layer": "features.0.conv"}, r"layer 'features.0.conv' has 288 weights; 256 bits need 1536"),
        ({"layer": "conv9"}, r"no convolution or linear layer 'conv9'; there are: features.0.conv"),
        ({"layer": "features.0.conv", "bits": 40, "columns": 300}, "has 288 weights; 40 bits need 300"),
    ],
)
def test_layers_that_cannot_carry_it(
    config: dict[str, Any], message: str, task: Task, host: HostView
) -> None:
    with pytest.raises(NotApplicable, match=message):
        GreedyResiduals(GreedyResidualsConfig(**config)).check(host.trained(), task)


def test_no_convolution_is_large_enough(task: Task) -> None:
    with pytest.raises(NotApplicable, match=r"no convolution has 1536 weights \(0: 72\)"):
        GreedyResiduals(GreedyResidualsConfig()).check(nn.Sequential(nn.Conv2d(1, 8, 3)), task)


def test_suspect_of_another_architecture(marked: Marked) -> None:
    with pytest.raises(Unreadable, match=r"no layer 'features.1.conv'"):
        GreedyResidualsExtractor().extract(WhiteBox(nn.Sequential(nn.Conv2d(3, 8, 3))), marked.key)


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("ownmark_whitebox.greedy_residuals.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, module, None)
    (declaration,) = ownmark_schemes()
    with pytest.raises(MethodUnavailable, match=r"pip install 'ownmark-whitebox\[greedy\]'"):
        replace(declaration, distribution="ownmark-whitebox").load()
