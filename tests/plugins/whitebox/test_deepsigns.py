"""DeepSigns, recomputed with numpy from saved weights and the saved key; what it refuses."""

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
from ownmark_whitebox.deepsigns.activations import choose_layer, widths
from ownmark_whitebox.deepsigns.config import DeepSignsConfig
from ownmark_whitebox.deepsigns.extractor import DeepSignsExtractor
from ownmark_whitebox.deepsigns.scheme import DeepSigns, completed, length, message, project, pull

Rng = Callable[[int], torch.Generator]
Arrays = dict[str, np.ndarray]


def embedded(seed: int, task: Task, host: HostView, fit: Any, rng: Rng, **config: Any) -> Marked:
    scheme = DeepSigns(DeepSignsConfig(**config))
    return scheme.embed(host, scheme.make_key(task, rng(seed)), task, fit)


def convolution(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight)


def block(x: np.ndarray, w: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Output of a convolution and, after its norm, of its ReLU."""
    raw = convolution(x, w[f"{name}.conv.weight"])
    mean, var, gamma, beta = (
        w[f"{name}.norm.{field}"][:, None, None]
        for field in ("running_mean", "running_var", "weight", "bias")
    )
    return raw, np.maximum(gamma * (raw - mean) / np.sqrt(var + 1e-5) + beta, 0)


def activation(images: np.ndarray, w: Arrays, layer: str, pooled: bool) -> np.ndarray:
    """[N, M] of a layer of the host `convnet`, as `features.1.conv` or `features.1.relu`; [N, C] if pooled."""
    _, place, kind = layer.split(".")
    raw, relu = block((images - 0.5) / 0.25, w, "features.0")
    for i in range(1, int(place) + 1):
        n, c, h, k = relu.shape
        raw, relu = block(relu.reshape(n, c, h // 2, 2, k // 2, 2).max((3, 5)), w, f"features.{i}")
    found = {"conv": raw, "relu": relu}[kind]
    return found.mean((2, 3)) if pooled else found.reshape(len(images), -1)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"pooled": False, "classes": (0,)},
        {"activation": "post", "bits": 32, "gamma": 0.1},
        {"classes": (3, 1), "bits": 32, "images": 20},
    ],
    ids=str,
)
def test_extraction_equals_numpy_on_saved_files(
    config: dict[str, Any], task: Task, host: HostView, fit: Any, rng: Rng, tmp_path: Path
) -> None:
    marked = embedded(0, task, host, fit, rng, **config)
    save_file(marked.network.state_dict(), tmp_path / "weights.safetensors")
    marked.key.save(tmp_path / "key.safetensors")
    weights, key = load_file(tmp_path / "weights.safetensors"), Key.load(tmp_path / "key.safetensors")
    saved = load_file(tmp_path / "key.safetensors")
    h = activation(saved["images"].astype(float), weights, key.values["layer"], key.values["pooled"])
    count = len(key.values["classes"])
    rows = np.split(saved["projection"], count)
    bits = np.concatenate([rows[k] @ h[saved["owners"] == k].mean(0) > 0 for k in range(count)])
    found = DeepSignsExtractor().extract(WhiteBox(marked.network), key)
    assert np.array_equal(found.matches.numpy(), bits == saved["bits"])
    assert found.rate >= (0.95 if "activation" in config else 1.0)


def test_mark_costs_no_accuracy(
    task: Task, host: HostView, fits: Any, rng: Rng, digits: tuple[Samples, Samples]
) -> None:
    marked = embedded(0, task, host, fits(), rng)
    found = DeepSignsExtractor().extract(WhiteBox(marked.network), marked.key)
    assert (found.n, found.chance, found.extras) == (160, 0.5, {"text": "this is my signature"})
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("config", [{}, {"start": "trained"}, {"pooled": False, "classes": (0,)}], ids=str)
def test_three_seeds(
    seed: int,
    config: dict[str, Any],
    task: Task,
    host: HostView,
    fits: Any,
    rng: Rng,
    digits: tuple[Samples, Samples],
) -> None:
    plain = fits()(host.blank(rng(seed)), task.owner, host.recipe, terms=host.terms)
    marked = embedded(seed, task, replace(host, trained=lambda: plain), fits(), rng, **config)
    assert DeepSignsExtractor().extract(WhiteBox(marked.network), marked.key).rate == 1.0
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


def assert_keeps_accuracy(
    network: nn.Module, host: HostView, task: Task, digits: tuple[Samples, Samples], fit: Any
) -> None:
    plain = fit(host.blank(fit.rng), task.owner, host.recipe, terms=host.terms)
    ours, theirs = (
        float((predictions(n, digits[1].x) == digits[1].labels).float().mean()) for n in (network, plain)
    )
    assert ours >= theirs - 0.01


@pytest.mark.parametrize("classes", [(0,), (0, 1, 2, 3)])
def test_fresh_keys_read_half_of_their_bits_on_an_unmarked_network(
    classes: tuple[int, ...], task: Task, host: HostView, rng: Rng
) -> None:
    suspect, scheme = (
        WhiteBox(host.blank(rng(9))),
        DeepSigns(DeepSignsConfig(classes=classes, bits=64, pooled=len(classes) > 1)),
    )
    hits = [DeepSignsExtractor().extract(suspect, scheme.make_key(task, rng(s))).hits for s in range(60)]
    assert np.mean(hits) == pytest.approx(32, abs=3 * np.sqrt(16 / 60))
    assert np.std(hits) == pytest.approx(4, rel=0.35)


def test_key_is_a_pure_function_of_its_randomness(task: Task, rng: Rng) -> None:
    scheme = DeepSigns(DeepSignsConfig())
    assert scheme.make_key(task, rng(1)).digest() == scheme.make_key(task, rng(1)).digest()
    assert scheme.make_key(task, rng(1)).digest() != scheme.make_key(task, rng(2)).digest()


def test_key_images_are_the_owners_of_the_class(task: Task, rng: Rng) -> None:
    key = DeepSigns(DeepSignsConfig(classes=(7, 2), images=5, bits=32)).make_key(task, rng(0))
    found = [int(task.owner.labels[(task.owner.x == image).flatten(1).all(1)][0]) for image in key["images"]]
    assert found == [7] * 5 + [2] * 5


def test_terms_follow_the_formulas() -> None:
    h, y = torch.tensor([[1.0, 2.0], [3.0, 0.0], [9.0, 9.0]]), torch.tensor([4, 4, 5])
    centres = torch.tensor([[1.0, 0.0]])
    assert pull(h, y, centres, [4], places=1) == 0.5 * (4 + 4) / 2
    assert pull(h, y, centres, [4], places=2) == 0.5 * (2 + 2) / 2
    assert pull(h, y, centres, [7], places=1) == 0
    assert length(torch.tensor([[3.0, 4.0], [0.0, 0.5]]), places=1) == 24.75
    assert length(torch.tensor([[3.0, 4.0]]), places=5) == 4
    projection, bits = torch.tensor([[1.0, 5.0], [-2.0, 5.0]]), torch.tensor([1, 1])
    assert project(centres, projection).tolist() == [1, -2]
    expected = -np.log(1 / (1 + np.exp(-1.0))) - np.log(1 / (1 + np.exp(2.0)))
    assert message(centres, projection, bits).item() == pytest.approx(expected)
    two = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert project(two, projection).tolist() == [1, 5]


@pytest.mark.parametrize(("bits", "count"), [(160, 10), (64, 8), (7, 7), (13, 1)])
def test_as_many_classes_as_divide_the_message_carry_it(bits: int, count: int, task: Task, rng: Rng) -> None:
    key = DeepSigns(DeepSignsConfig(bits=bits)).make_key(task, rng(0))
    assert key.values["classes"] == list(range(count))


def test_the_networks_answer_carries_no_mark_unless_named(task: Task, host: HostView, rng: Rng) -> None:
    few = DeepSigns(DeepSignsConfig(bits=20)).make_key(task, rng(0))
    assert completed(few, host.trained()).values["layer"] == "features.2.conv"
    assert completed(few.add(layer="classifier"), host.trained()).values["layer"] == "classifier"


def test_the_layer_with_the_most_inputs_a_filter_is_taken_the_last_of_equals() -> None:
    found, inputs = {"a": 64, "b": 64, "c": 64, "answer": 64}, {"a": 9, "b": 18, "c": 18, "answer": 99}
    assert choose_layer(found, inputs, "", "pre", 32) == "c"
    assert choose_layer({**found, "c": 63}, inputs, "", "pre", 32) == "b"
    assert choose_layer(found, {}, "", "post", 4) == "answer"


def test_choosing_a_layer_leaves_the_network_as_it_was(task: Task, host: HostView, rng: Rng) -> None:
    network = host.blank(rng(0)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = widths(network, task.shape, "pre", pooled=False)
    assert found == {
        "features.0.conv": 2048,
        "features.1.conv": 1024,
        "features.2.conv": 256,
        "classifier": 10,
    }
    assert widths(network, task.shape, "post", pooled=True) == {
        f"features.{i}.relu": c for i, c in enumerate((32, 64, 64))
    }
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"bits": 1031}, "1031 bits a class need 2062 values of pre-activation; there are: features.0.conv"),
        (
            {"classes": (0,)},
            "160 bits a class need 320 values .* count every position where images are aligned",
        ),
        ({"classes": (0,), "pooled": False, "layer": "features.2.conv"}, "160 bits a class need 320 values"),
        ({"bits": 10, "layer": "classifier", "classes": (0,)}, "10 bits a class need 20 values"),
        ({"layer": "features.2.relu"}, "no layer 'features.2.relu' with pre-activations"),
        ({"activation": "post"}, "16 bits a class need 256 values of post-activation"),
        ({"classes": (10,)}, "target class 10, but the task has 10 classes"),
        ({"classes": (0, 1, 2)}, "160 bits cannot be divided evenly among 3 classes"),
    ],
    ids=str,
)
def test_what_does_not_fit(config: dict[str, Any], words: str, task: Task, host: HostView) -> None:
    for one in (task, replace(task, owner=Samples(task.owner.x[:0], task.owner.labels[:0]))):
        with pytest.raises(NotApplicable, match=words):
            DeepSigns(DeepSignsConfig(**config)).check(host.trained(), one)


def test_check_needs_no_images(task: Task, host: HostView) -> None:
    empty = replace(task, owner=Samples(task.owner.x[:0], task.owner.labels[:0]))
    DeepSigns(DeepSignsConfig()).check(host.trained(), empty)


def test_owner_without_an_image_of_the_class(task: Task, rng: Rng) -> None:
    others = task.owner.select(task.owner.labels != 0)
    with pytest.raises(NotApplicable, match="no image of target class 0"):
        DeepSigns(DeepSignsConfig()).make_key(replace(task, owner=others), rng(0))


def test_suspect_of_another_architecture(task: Task, host: HostView, rng: Rng) -> None:
    scheme = DeepSigns(DeepSignsConfig(pooled=False, classes=(0,)))
    key = completed(scheme.make_key(task, rng(0)), host.trained())
    with pytest.raises(Unreadable, match=r"no layer 'features.1.conv'"):
        DeepSignsExtractor().extract(WhiteBox(nn.Sequential(nn.Conv2d(1, 8, 3))), key)
    narrow = host.trained()
    narrow.features[1].conv = nn.Conv2d(32, 64, 3)  # type: ignore[index, union-attr]
    with pytest.raises(Unreadable, match="gives 256 values, the key expects 1024"):
        DeepSignsExtractor().extract(WhiteBox(narrow), key)
