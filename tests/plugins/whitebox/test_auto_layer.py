"""`layer: auto`: a layer for the mark in networks of real sizes, with the reason in the record."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from tests.plugins.invariance import zoo
from torch import nn

from ownmark.contracts import HostView, Recipe, Samples, Task, cross_entropy
from ownmark.discovery import discover
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.methods import Kind
from ownmark_whitebox.layers import why_this_layer, widest_layer


def vit(**small: Any) -> nn.Module:
    """A vision transformer of the library transformers, ViT-B/16 at 224 unless told otherwise."""
    host = discover().build(Kind.HOST, "transformers", {"config": {"model_type": "vit", **small}})
    network: nn.Module = host.build((3, 224, 224), 1000)
    return network


LARGE: dict[str, Callable[[], nn.Module]] = {
    "timm ResNet-50": lambda: zoo.load().create_model("resnet50"),
    "timm ConvNeXt-T": lambda: zoo.load().create_model("convnext_tiny"),
    "timm ViT-B/16": lambda: zoo.load().create_model("vit_base_patch16_224"),
    "transformers ViT-B/16": vit,
}
EXPECTED = {
    "timm ResNet-50": ("layer4.0.conv2", 512 * 9),
    "timm ConvNeXt-T": ("stages.3.downsample.1", 384 * 4),
    "timm ViT-B/16": ("blocks.0.mlp.fc2", 3072),
    "transformers ViT-B/16": ("model.vit.layers.0.mlp.fc2", 3072),
}


def require(name: str) -> None:
    """Skip without the library; timm is not imported here, as that takes the stub of torchvision."""
    library = name.partition(" ")[0]
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


def task(images: int = 2) -> Task:
    rng = torch.Generator().manual_seed(0)
    owner = Samples(torch.rand(images, 3, 224, 224, generator=rng), torch.arange(images))
    return Task("photographs", (3, 224, 224), 1000, owner)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_layer_is_found_and_marked_at_real_sizes(name: str) -> None:
    require(name)
    network = LARGE[name]()
    layer, inputs = EXPECTED[name]
    params = {"layer": "auto", "bits": 64, "start": "trained", "recipe": {"epochs": 1, "batch_size": 2}}
    scheme = discover().build(Kind.SCHEME, "uchida", params)
    photographs = task()
    scheme.check(network, photographs)
    recipe = Recipe(epochs=1, batch_size=2)
    view = HostView(lambda: network, lambda rng: network, recipe, (cross_entropy,))
    key = scheme.make_key(photographs, torch.Generator().manual_seed(0))
    marked = scheme.embed(
        view, key, photographs, Fitter(torch.device("cpu"), torch.Generator().manual_seed(0))
    )
    assert marked.key.values["layer"] == layer
    assert str(inputs) in str(marked.exhibits["layer"])
    assert marked.key["projection"].shape == (64, inputs)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["uchida", "riga", "greedy_residuals", "deepsigns"])
@pytest.mark.parametrize("name", LARGE)
def test_every_scheme_that_names_a_layer_finds_one(scheme: str, name: str) -> None:
    require(name)
    if scheme == "riga" and "ViT" in name:  # its extractor would read all 2,359,296 weights of a linear layer
        pytest.skip("riga writes into convolutions unless a layer is named")
    discover().build(Kind.SCHEME, scheme, {"layer": "auto"}).check(LARGE[name](), task(0))


def nets() -> dict[str, tuple[nn.Module, str, str]]:
    """Networks with the layer that is chosen and a word of the reason."""
    conv, linear = nn.Conv2d, nn.Linear
    return {
        "the widest": (nn.Sequential(conv(1, 4, 3), conv(4, 8, 3), conv(8, 4, 1), linear(9, 3)), "1", "read no image"),
        "of one position": (nn.Sequential(conv(1, 4, 3), conv(4, 8, 1), nn.Flatten(), linear(392, 3)), "1", "no image"),
        "no convolution": (nn.Sequential(linear(9, 6), linear(6, 12), linear(12, 300)), "0", "linear layers"),
        "a transformer": (nn.Sequential(conv(1, 4, 4), linear(4, 8), linear(8, 4), linear(4, 3)), "2", "linear layers"),
    }  # fmt: skip


@pytest.mark.parametrize("name", nets())
def test_the_reason_says_among_what_the_layer_was_chosen(name: str) -> None:
    network, layer, reason = nets()[name]
    assert widest_layer(network, (1, 9, 9)) == layer
    assert reason in why_this_layer(network, layer, (1, 9, 9))
    other = next(n for n, m in network.named_modules() if n and n != layer and hasattr(m, "weight"))
    assert "named in the parameters" in why_this_layer(network, other, (1, 9, 9))


@pytest.mark.parametrize(
    "network", [nn.Sequential(nn.Linear(9, 3)), nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(9, 3))]
)
def test_a_network_whose_layers_read_the_image_or_answer_has_none(network: nn.Module) -> None:
    with pytest.raises(NotApplicable, match="name a layer of"):
        widest_layer(network, (1, 9, 9))
