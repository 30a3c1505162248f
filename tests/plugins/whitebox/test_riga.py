"""RIGA, recomputed with numpy from saved weights and the saved key; what it reads elsewhere; what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from ownmark.contracts import HostView, Key, Marked, Samples, Task, WhiteBox, predictions
from ownmark.errors import NotApplicable, Unreadable
from ownmark_whitebox.riga.config import RigaConfig
from ownmark_whitebox.riga.extractor import RigaExtractor
from ownmark_whitebox.riga.networks import (
    carrier,
    descending,
    detector_loss,
    extractor_loss,
    marking_loss,
    perceptron,
    respond,
)
from ownmark_whitebox.riga.scheme import Riga

Rng = Callable[[int], torch.Generator]


def embedded(seed: int, task: Task, host: HostView, fit: Any, rng: Rng, **config: Any) -> Marked:
    scheme = Riga(RigaConfig(**config))
    return scheme.embed(host, scheme.make_key(task, rng(seed)), task, fit)


@pytest.fixture(scope="module")
def nulls() -> dict[int, nn.Module]:
    """Unmarked networks by seed, trained when first asked for."""
    return {}


def unmarked(
    nulls: dict[int, nn.Module], seed: int, task: Task, host: HostView, fit: Any, rng: Rng
) -> nn.Module:
    if seed not in nulls:
        nulls[seed] = fit(host.blank(rng(seed)), task.owner, host.recipe, terms=host.terms)
    return nulls[seed]


@pytest.mark.parametrize("layer", ["", "classifier"])
def test_extraction_equals_numpy_on_saved_files(
    layer: str, task: Task, host: HostView, fit: Any, rng: Rng, tmp_path: Path
) -> None:
    marked = embedded(0, task, host, fit, rng, layer=layer, reference_epochs=0, references=8)
    save_file(marked.network.state_dict(), tmp_path / "weights.safetensors")
    marked.key.save(tmp_path / "key.safetensors")
    weights, key = load_file(tmp_path / "weights.safetensors"), load_file(tmp_path / "key.safetensors")
    values = Key.load(tmp_path / "key.safetensors").values
    for network in (marked.network, host.blank(rng(9))):
        w = network.state_dict()[values["layer"] + ".weight"].numpy()
        if network is marked.network:
            w = weights[values["layer"] + ".weight"]
        w = values["scale"] * (w.mean(0) if w.ndim == 4 else w).reshape(-1)
        hidden = key["extractor.0.weight"] @ w + key["extractor.0.bias"]
        hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
        bits = key["extractor.2.weight"] @ hidden + key["extractor.2.bias"] > 0
        found = RigaExtractor().extract(WhiteBox(network), Key.load(tmp_path / "key.safetensors"))
        assert np.array_equal(found.matches.numpy(), bits == key["bits"])


def test_mark_reads_and_costs_no_accuracy_and_unmarked_networks_read_half(
    task: Task,
    host: HostView,
    fits: Any,
    rng: Rng,
    digits: tuple[Samples, Samples],
    nulls: dict[int, nn.Module],
) -> None:
    marked = embedded(0, task, host, fits(), rng, extractor_steps=40, reference_epochs=0)
    found = RigaExtractor().extract(WhiteBox(marked.network), marked.key)
    assert (found.rate, found.n, found.chance) == (1.0, 160, None)
    assert found.extras == {"text": "this is my signature"}
    others = [unmarked(nulls, seed, task, host, fits(), rng) for seed in range(6)]
    rates = [RigaExtractor().extract(WhiteBox(other), marked.key).rate for other in others]
    assert np.mean(rates) == pytest.approx(0.5, abs=0.1)
    assert max(rates) < 0.8  # a trained reader: its null rates are wide, and thresholds come from null models
    assert_keeps_accuracy(marked.network, others[0], digits)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("start", ["scratch", "trained"])
def test_three_seeds(
    seed: int,
    start: str,
    task: Task,
    host: HostView,
    fits: Any,
    rng: Rng,
    digits: tuple[Samples, Samples],
    nulls: dict[int, nn.Module],
) -> None:
    plain = unmarked(nulls, 100 + seed, task, host, fits(), rng)
    marked = embedded(seed, task, replace(host, trained=lambda: plain), fits(), rng, start=start)
    assert RigaExtractor().extract(WhiteBox(marked.network), marked.key).rate == 1.0
    others = [unmarked(nulls, other, task, host, fits(), rng) for other in range(6)]
    rates = [RigaExtractor().extract(WhiteBox(other), marked.key).rate for other in others]
    assert np.mean(rates) == pytest.approx(0.5, abs=0.1)
    assert_keeps_accuracy(marked.network, others[0], digits)


def assert_keeps_accuracy(network: nn.Module, plain: nn.Module, digits: tuple[Samples, Samples]) -> None:
    ours, theirs = (
        float((predictions(n, digits[1].x) == digits[1].labels).float().mean()) for n in (network, plain)
    )
    assert ours >= theirs - 0.01


def test_key_is_a_pure_function_of_its_randomness_and_embedding_of_the_fit(
    task: Task, host: HostView, fits: Any, rng: Rng
) -> None:
    scheme = Riga(RigaConfig(bits=32))
    assert scheme.make_key(task, rng(1)).digest() == scheme.make_key(task, rng(1)).digest()
    assert scheme.make_key(task, rng(1)).digest() != scheme.make_key(task, rng(2)).digest()
    small: dict[str, Any] = {"bits": 32, "references": 4, "reference_epochs": 0, "extractor_steps": 2}
    first, second = (embedded(0, task, host, fits(), rng, **small) for _ in range(2))
    assert first.key.digest() == second.key.digest()


def test_losses_follow_the_formulas() -> None:
    draw = torch.Generator().manual_seed(0)
    extractor, detector = perceptron(5, 4, 3), perceptron(5, 4, 1)
    w, references = torch.randn(5, generator=draw), torch.randn(2, 5, generator=draw)
    bits, coins = torch.tensor([1.0, 0, 1]), torch.tensor([[0.0, 0, 1], [1, 1, 0]])

    def told(x: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        p = extractor(x).sigmoid()
        return -(b * p.log() + (1 - b) * (1 - p).log())

    expected = torch.cat([told(w, bits)[None], told(references, coins)]).mean()
    torch.testing.assert_close(extractor_loss(extractor, w, references, bits, coins), expected)
    score = detector(w.sort(descending=True).values)
    apart = detector(references.sort(descending=True).values).mean() - score.squeeze()
    torch.testing.assert_close(detector_loss(detector, w, references), apart)
    total = 0.05 * told(w, bits).sum() + 0.1 * score.squeeze()
    torch.testing.assert_close(marking_loss(extractor, detector, w, bits, 0.05, 0.1), total)
    torch.testing.assert_close(respond(extractor.state_dict(), references), extractor(references))


def test_detector_cannot_see_positions() -> None:
    w = torch.randn(3, 10)
    assert torch.equal(descending(w), descending(w[:, torch.randperm(10)]))


def test_filters_are_averaged_and_linear_layers_are_not() -> None:
    weight = torch.randn(4, 3, 2, 2)
    assert torch.equal(carrier(weight), weight.mean(0).flatten())
    assert torch.equal(carrier(weight[:, :, 0, 0]), weight[:, :, 0, 0].flatten())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"bits": 577}, "577 bits do not fit into layer 'features.2.conv', which carries 576 values"),
        ({"layer": "conv9"}, "no convolution or linear layer 'conv9'; there are: features.0.conv"),
        ({"layer": "features.0.conv"}, "160 bits do not fit into layer 'features.0.conv', which carries 9"),
    ],
    ids=str,
)
def test_what_does_not_fit(config: dict[str, Any], words: str, task: Task, host: HostView) -> None:
    with pytest.raises(NotApplicable, match=words):
        Riga(RigaConfig(**config)).check(host.trained(), task)


def test_a_key_that_was_never_embedded_cannot_be_read(task: Task, host: HostView, rng: Rng) -> None:
    with pytest.raises(NotApplicable, match="holds no extractor network"):
        RigaExtractor().extract(WhiteBox(host.trained()), Riga(RigaConfig()).make_key(task, rng(0)))


def test_suspect_of_another_architecture(task: Task, host: HostView, fit: Any, rng: Rng) -> None:
    small: dict[str, Any] = {"references": 4, "reference_epochs": 0, "extractor_steps": 1}
    marked = embedded(0, task, host, fit, rng, **small)
    with pytest.raises(Unreadable, match=r"no layer 'features.2.conv'"):
        RigaExtractor().extract(WhiteBox(nn.Sequential(nn.Conv2d(3, 8, 3))), marked.key)
