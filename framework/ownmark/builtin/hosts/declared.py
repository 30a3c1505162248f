"""Declarations of the hosts; deviations say where a recipe is not its paper's."""

from __future__ import annotations

from typing import Any

from ownmark.methods import Declaration, Kind, Paper

_HERE = "ownmark.builtin.hosts"
_SMOKE = {"recipe": {"epochs": 1}}


_EXAMPLE = {
    "target": f"{_HERE}.module:perceptron",
    "arguments": {"inputs": "$channels", "classes": "$classes", "side": "$height"},
}


def _host(id: str, target: str, summary: str, **fields: Any) -> Declaration:
    return Declaration(
        id=id, kind=Kind.HOST, target=f"{_HERE}.{id}:{target}", config=f"{_HERE}.config:{target}Config",
        summary=summary, **fields,
    )  # fmt: skip


HOSTS = (
    _host(
        "convnet", "ConvNet", "three convolutions, for images from 4x4 pixels; seconds to train", smoke=_SMOKE
    ),
    _host(
        "lenet5", "LeNet5", "LeNet-5, with ReLU and max pooling unless told otherwise", smoke=_SMOKE,
        paper=Paper(
            title="Gradient-Based Learning Applied to Document Recognition", authors="LeCun et al.",
            year=1998, venue="Proceedings of the IEEE",
        ),
        deviations=(
            "ReLU and max pooling by default; `activation: tanh, pool: avg` comes closest to the paper",
            "every filter of the second convolution sees all six maps; the output layer is linear",
            "recipe: ours (SGD, one-cycle, 5 epochs)",
        ),
    ),
    _host(
        "resnet", "ResNet", "ResNet-18 and -34, and the 6n + 2 family, for small images",
        smoke={"depth": 8, "width": 8, **_SMOKE},
        paper=Paper(
            title="Deep Residual Learning for Image Recognition", authors="He et al.",
            year=2016, venue="CVPR", url="https://arxiv.org/abs/1512.03385",
        ),
        deviations=(
            "3x3 stem without pooling at depths 18 and 34, as the watermarking papers use on CIFAR",
            "projection shortcuts by default at all depths; the paper's 6n + 2 networks have `shortcut: pad`",
            "recipe: the APP paper's (100 epochs, rate divided by ten at 50 and 75), not He et al.'s",
        ),
    ),
    _host(
        "wide_resnet", "WideResNet", "wide ResNet; WRN-10-4 as marked by Uchida et al. unless told otherwise",
        smoke={"k": 1, **_SMOKE},
        paper=Paper(
            title="Embedding Watermarks into Deep Neural Networks", authors="Uchida et al.",
            year=2017, venue="ICMR", url="https://arxiv.org/abs/1701.04082",
        ),
    ),
    _host(
        "vgg", "VGG", "VGG-11, -13, -16 with BatchNorm and one dense layer, for images from 17x17 pixels",
        smoke={"depth": 11, "width": 0.125, **_SMOKE},
        paper=Paper(
            title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
            authors="Simonyan and Zisserman", year=2015, venue="ICLR", url="https://arxiv.org/abs/1409.1556",
        ),
        deviations=(
            "BatchNorm, global average pooling and one dense layer in place of three; pooling rounds up",
            "recipe: as `resnet` with half the rate",
        ),
    ),
    _host(
        "mobilenet_v2", "MobileNetV2", "MobileNetV2 with the strides used on CIFAR, for images from 8x8 pixels",
        smoke={"width": 0.125, **_SMOKE},
        paper=Paper(
            title="MobileNetV2: Inverted Residuals and Linear Bottlenecks", authors="Sandler et al.",
            year=2018, venue="CVPR", url="https://arxiv.org/abs/1801.04381",
        ),
        deviations=(
            "stem and second stage without stride, as on CIFAR; no dropout",
            "channels are not rounded to multiples of 8",
            "recipe: the APP paper's",
        ),
    ),
    Declaration(
        id="module", kind=Kind.HOST, target=f"{_HERE}.module:Module", config=f"{_HERE}.module_config:ModuleConfig",
        summary="your own network: anything importable that gives a torch.nn.Module", smoke={**_EXAMPLE, **_SMOKE},
    ),
    Declaration(
        id="timm", kind=Kind.HOST, target=f"{_HERE}.timm:Timm", config=f"{_HERE}.named_config:TimmConfig",
        summary="a network of the library timm by name, with weights of yours",
        requires={"timm": "timm", "torchvision": "timm"},
        smoke={"name": "resnet10t", "arguments": {"layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8]}, **_SMOKE},
    ),
    Declaration(
        id="transformers", kind=Kind.HOST, target=f"{_HERE}.transformers:Transformers",
        config=f"{_HERE}.named_config:TransformersConfig", requires={"transformers": "transformers"},
        summary="an image classifier of the library transformers from its configuration, with weights of yours",
        smoke={"config": {"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                          "intermediate_size": 32, "patch_size": 4}, **_SMOKE},
    ),
)  # fmt: skip
