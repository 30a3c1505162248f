"""Parameters that the attacks of this pack share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ownmark.config import Count, Fraction, NonNegative, Positive, Rate, Real, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark_mira.presets import filled

UNLEARNING = Recipe(epochs=10, batch_size=128, lr=0.01, schedule="constant")
"""SGD, 10 epochs, batch 128 (section 6.1); momentum .9, weight decay 5e-4, constant rate (code)."""
DATA_FREE = UNLEARNING.change(lr=0.003)
"""The same at .003 (section 6.1)."""


@configuration
class BudgetConfig:
    """How much memory may be used."""

    at_once: Count = 5000
    """Memory budget: most pictures in one forward pass. MIRA inverts classes in chunks of so many pictures, at least
    one class each, with the same result; a GPU that runs out of memory halves it."""


@configuration
class RecoveryConfig(BudgetConfig):
    """How pictures are recovered (section 4.1)."""

    samples: int = Field(default=250, ge=2, le=1_000_000)
    """M, pictures of each class (section 6.1)."""
    iterations: Count = 1000
    """Steps of Adam; 1000 for CIFAR-10, 800 for CIFAR-100, 400 for MNIST in the authors' code."""
    rate: Rate = 0.1
    """Learning rate of Adam (section 6.1), which falls along a cosine to 1e-4 (code)."""
    alpha_l2: NonNegative = 0.01
    """Weight of the mean square of a picture's pixels (section 6.1)."""
    alpha_tv: NonNegative = 0.03
    """Weight of a picture's total variation, per pixel (section 6.1)."""
    alpha_bn: NonNegative = 0.1
    """Weight of the distance from the BatchNorm statistics (section 6.1; .01 for CIFAR-100 in the code)."""
    form: Literal["paper", "released"] = "paper"
    """How the priors are reduced: Equations 2, 8 and 9, the latter two per picture and pixel; or as the authors' code
    has them (card of `mira`)."""
    dropped_norms: Whole = 2
    """Last BatchNorm layers that are left out (Equation 2), at most a tenth of the network's: 2 of ResNet-18's 20. A
    host with a handful keeps them all."""
    mean: tuple[Real, ...] = Field(default=(0.5,), min_length=1)
    """With `std`: units of the two priors, (pixel - mean) / std; those of the built-in hosts. One value, or one a
    channel."""
    std: tuple[Positive, ...] = Field(default=(0.25,), min_length=1)
    """See `mean`."""


@configuration
class DetectionConfig(BudgetConfig):
    """How a fixed target class is told (section 5.1)."""

    draws: Count = 50
    """Draws of noise (50 in the code, 100 in the paper)."""
    pixel_noise: NonNegative = 0.125
    """Standard deviation of the noise on pixels in [0, 1]: sigma_1 = .5 in the network's own units, which are a quarter
    of a pixel's in the built-in hosts. MNIST: sigma_1 = 1 of units that are pixels, so 1."""
    weight_noise: NonNegative = 0.015
    """sigma_2, standard deviation of the noise on every parameter (.015 for CIFAR, .03 for MNIST)."""
    threshold: NonNegative = 0.4
    """T: a larger gap between the two smoothest classes means a fixed target (.4; CIFAR-100: .3)."""
    treat_as: Literal["detected", "fixed", "non-fixed"] = "detected"
    """Which objective follows; the other two overrule the detector, as in Table 7."""


@configuration
class SplitConfig(DetectionConfig):
    """How pictures of a class are told into watermark-like and normal ones (section 5.2, Algorithm 1)."""

    saliency: float = Field(default=0.95, ge=0, lt=1)
    """beta: neurons with an importance above this quantile are salient."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """gamma: share of the pictures that are taken for watermark-like."""
    layer: str = ""
    """Name of a module whose input is looked at; empty takes the feature map before the last pooling, or what the last
    layer sees where no pooling stands before it."""


@configuration
class UnlearningConfig(SplitConfig):
    """How the recovered pictures are forgotten, beside the recipe."""

    norms: Literal["train", "frozen"] = "train"
    """BatchNorm while unlearning: in train mode, where recovered pictures move its statistics too (code), or in eval
    mode."""
    pilot: bool = False
    """Tell SmoothAcc of the thief's images, too, and which salient neurons they share with recovered pictures (Figure 2
    and Table 3); where images are granted and the target is looked for."""
    exhibited: Whole = 4
    """Pictures of each class that the report shows, at most 64 in all; of both kinds of the smoothest class twice as
    many."""


@configuration
class PresetConfig:
    """Named settings under those that are given."""

    preset: Literal["cifar10", "cifar100", "mnist", "released", "released-cifar100", "released-mnist"] = (
        "cifar10"
    )
    """The paper's settings for a data set and its network, or those of the authors' code (`released`: CIFAR-10). Given
    values win; of the inversion they say nothing to an attack that recovers in another way."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        """Lay preset and objective under the given values."""
        values = given.kwargs if hasattr(given, "kwargs") else given
        if not isinstance(values, Mapping):
            return given
        names = (str(values.get(name, "")) for name in ("preset", "objective"))
        return filled(values or {}, *names, inverts=issubclass(cls, RecoveryConfig))


@configuration
class SoftConfig:
    """The objective `soft`: answers in place of labels."""

    temperature: Positive = 4.0
    """Of the answers that pictures are held to."""
    forgetting: Literal["patterns", "blends", "uniform"] = "patterns"
    """How a mark with one target goes: pictures of other classes with small patterns that lead to the target keep their
    own answers, or such with a share of the target's pictures do, or the target's watermark-like pictures are pushed to
    the uniform answer. Where no target is found, `patterns` gives the watermark-like pictures of every class the labels
    of Equation 7, weighed 1, beside images of the task alone; beside a transfer set it is `blends`."""
    weight: NonNegative = 3.0
    """Of what makes the mark go, beside what is kept."""
    patterns: int = Field(default=8, ge=1, le=10_000)
    """Patterns that are sought."""
    price: NonNegative = 1.0
    """Of a pattern's mean size (pixels in [0, 1]), beside the cross entropy."""
    blend: tuple[Fraction, Fraction] = (0.1, 0.45)
    """Least and most share of the target's picture in a blend."""
    balance: bool = True
    """Repeat the target's normal-like pictures until they are as many as those of another class."""

    @model_validator(mode="after")
    def _blend_is_a_range(self) -> SoftConfig:
        if self.blend[0] > self.blend[1]:
            raise ValueError(f"blend {list(self.blend)} is an empty range; write [least, most]")
        return self


@configuration
class ObjectiveConfig(UnlearningConfig, PresetConfig):
    """What is unlearned beside auxiliary images."""

    objective: Literal["improved", "basic", "soft"] = "improved"
    """`improved` detects the target class and splits the pictures (Equations 6 and 7); `basic` pushes all of them
    towards the uniform answer (Equation 4); `soft`, not in the paper, detects and splits, and holds pictures and the
    thief's images to the stolen network's own answers while the mark is forgotten as `forgetting` says. Its `share` is
    .5 and its recipe 40 epochs at .03, falling as a cosine, in batches of 64."""
    alpha_kl: NonNegative = 15.0
    """Weight of the divergence of the basic objective (section 6.1)."""
    recipe: Annotated[Recipe, overriding(UNLEARNING)] = UNLEARNING
    """The unlearning; 10 epochs (section 6.1), 40 in the code."""
