"""Parameters of the hosts; each recipe is the one of the paper that its declaration names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import Positive, Real, configuration
from ownmark.contracts.fit import Recipe, overriding

NormKind = Literal["batch", "group", "none"]

CONVNET = Recipe(
    epochs=12, batch_size=64, lr=0.05, momentum=0.9, weight_decay=5e-4, schedule="one-cycle", augment="none"
)
LENET5 = Recipe(
    epochs=5, batch_size=128, lr=0.05, momentum=0.9, weight_decay=1e-4, schedule="one-cycle", augment="none"
)
APP = Recipe(
    epochs=100, batch_size=128, lr=0.1, momentum=0.9, weight_decay=5e-4,
    milestones=(0.5, 0.75), factor=0.1, augment="crop-flip",
)  # fmt: skip
UCHIDA = Recipe(
    epochs=200, batch_size=64, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4,
    milestones=(0.3, 0.6, 0.8), factor=0.2, augment="crop-flip",
)  # fmt: skip
VGG = APP.change(lr=0.05)
FAST = Recipe(
    epochs=30, batch_size=512, lr=0.4, momentum=0.9, nesterov=True, weight_decay=5e-4, schedule="one-cycle",
    augment="crop-flip", precision="bfloat16", label_smoothing=0.1,
)  # fmt: skip
"""Super-convergence (Smith & Topin 2018) with large batches and label smoothing, for photographs on a GPU."""


@configuration
class NormalizedConfig:
    """How a host normalises pixels inside the network; every host takes it.

    Descriptions, since pydantic's dataclasses do not inherit field docstrings.
    """

    mean: tuple[Real, ...] = Field(
        default=(0.5,),
        min_length=1,
        description="Subtracted from the pixels: one value for all channels, or one for each.",
    )
    std: tuple[Positive, ...] = Field(
        default=(0.25,), min_length=1, description="Divides them then: one value, or one for each channel."
    )


@configuration
class ConvNetConfig(NormalizedConfig):
    """Parameters of `convnet`."""

    width: float = Field(default=1.0, gt=0, le=32)
    """Multiplies the 32, 64, 64 channels of the three convolutions."""
    norm: NormKind = "batch"
    """Normalisation after each convolution; `none` gives the convolutions a bias instead."""
    recipe: Annotated[Recipe, overriding(CONVNET)] = CONVNET
    """Tuned on `digits`: 99.2 to 99.8 % in a second on one CPU core (8 seeds)."""


@configuration
class LeNet5Config(NormalizedConfig):
    """Parameters of `lenet5`."""

    activation: Literal["relu", "tanh"] = "relu"
    """Non-linearity; the paper's is a scaled tanh."""
    pool: Literal["max", "avg"] = "max"
    """Pooling; the paper's is an average with a trained factor and offset."""
    recipe: Annotated[Recipe, overriding(LENET5)] = LENET5
    """Tuned on `mnist`: 99.1 to 99.3 % in 20 seconds on one CPU core (4 seeds)."""


@configuration
class ResNetConfig(NormalizedConfig):
    """Parameters of `resnet`."""

    depth: Literal[8, 14, 18, 20, 32, 34, 44, 56, 110] = 18
    """18, 34: four stages (He et al., Table 1, with the 3x3 stem of CIFAR); the others: three stages of
    (depth - 2) / 6 blocks (section 4.2)."""
    width: int | None = Field(default=None, ge=1, le=512)
    """Channels of the first stage, doubled by each later one; None is 64 for depths 18 and 34, else 16."""
    shortcut: Literal["projection", "pad"] = "projection"
    """Where the shape changes: a 1x1 convolution (option B), or subsampling and zero channels (option A)."""
    norm: Literal["batch", "group"] = "batch"
    """Normalisation after each convolution; groups have 16 channels (as in DeepIPR)."""
    recipe: Annotated[Recipe, overriding(APP, fast=FAST)] = APP
    """APP's: SGD, 100 epochs, rate 0.1 divided by ten at half and three quarters. `{preset: fast}`: 30 epochs of
    one-cycle in bfloat16 with batches of 512."""


@configuration
class WideResNetConfig(NormalizedConfig):
    """Parameters of `wide_resnet`."""

    depth: Literal[10, 16, 22, 28, 40] = 10
    """Layers: three stages of (depth - 4) / 6 blocks."""
    k: int = Field(default=4, ge=1, le=32)
    """Widening factor: the stages have 16k, 32k, 64k channels."""
    recipe: Annotated[Recipe, overriding(UCHIDA)] = UCHIDA
    """Uchida et al., section 4.1: Nesterov momentum, rate times 0.2 at epochs 60, 120, 160 of 200."""


@configuration
class VGGConfig(NormalizedConfig):
    """Parameters of `vgg`."""

    depth: Literal[11, 13, 16] = 16
    """Layers of the original (configurations A, B, D of its Table 1); its three dense layers are one here."""
    width: float = Field(default=1.0, gt=0, le=4)
    """Multiplies the 64 to 512 channels."""
    norm: NormKind = "batch"
    """Normalisation after each convolution; `none` gives the convolutions a bias instead."""
    recipe: Annotated[Recipe, overriding(VGG)] = VGG
    """As for `resnet`, at half the rate."""


@configuration
class MobileNetV2Config(NormalizedConfig):
    """Parameters of `mobilenet_v2`."""

    width: float = Field(default=1.0, gt=0, le=32)
    """Multiplies the channels of all stages; the last 1280 only grow."""
    recipe: Annotated[Recipe, overriding(APP, fast=FAST)] = APP
    """APP's, as for `resnet` (its Table 10)."""
