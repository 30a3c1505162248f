"""Metrics, datasets, hosts and plans with one fault each."""

from __future__ import annotations

from typing import Any

import torch
from tests.testing.broken import breaks, declare
from torch import Tensor, nn
from torchmetrics import Metric

from ownmark.builtin.datasets.config import DigitsConfig
from ownmark.builtin.datasets.digits import Digits
from ownmark.builtin.metrics.proportions import Accuracy, Proportion
from ownmark.config import configuration
from ownmark.contracts import Host, Images, Recipe, Samples
from ownmark.methods import Kind, Need


class Undirected(Accuracy):
    higher_is_better = None


class Indifferent(Accuracy):
    def compute(self) -> Tensor:
        return torch.tensor(0.5)


class Upside(Accuracy):
    higher_is_better = False


class Percent(Accuracy):
    def compute(self) -> Tensor:
        return 100 * super().compute()


class Hoarding(Proportion):
    """Keeps what it saw in a plain attribute."""

    seen = 0

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        self.count(predictions.argmax(1) == labels)
        self.seen += len(labels)

    def compute(self) -> Tensor:
        return self.hits / self.seen


def metric(check: str, says: str, target: type[Metric]) -> None:
    breaks(check, says, declare(Kind.METRIC, target, needs=frozenset({Need.PREDICTIONS})))


class Bytes(Digits):
    def load(self) -> Images:
        images = super().load()
        return Images(Samples(images.train.x * 255, images.train.y), images.test, images.classes)


class FromOne(Digits):
    def load(self) -> Images:
        images = super().load()
        return Images(Samples(images.train.x, images.train.labels + 1), images.test, images.classes)


class Leaking(Digits):
    def load(self) -> Images:
        images = super().load()
        return Images(images.train, images.train.select(torch.arange(50)), images.classes)


class Slicing(Digits):
    """Test and training are views of one tensor."""

    def load(self) -> Images:
        every = super().load().train
        train, test = Samples(every.x[:150], every.labels[:150]), Samples(every.x[150:], every.labels[150:])
        return Images(train, test, 10)


class Shuffling(Digits):
    def load(self) -> Images:
        images = super().load()
        return Images(images.train.select(torch.randperm(len(images.train))), images.test, images.classes)


class Moody(Digits):
    def fingerprint(self) -> str:
        return str(id(self))


def dataset(check: str, says: str, target: type[Digits]) -> None:
    config = f"{DigitsConfig.__module__}:DigitsConfig"
    smoke = {"limit_train": 200, "limit_test": 100}
    breaks(check, says, declare(Kind.DATASET, target, config=config, smoke=smoke))


@configuration
class LinearConfig:
    """Parameters of the hosts below."""

    recipe: Recipe = Recipe(epochs=1, lr=0.1)
    """How they are trained."""


class Linear(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(x.flatten(1))
        return logits


class Simple(Host):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Linear(shape[0] * shape[1] * shape[2], classes)


class Frozen(Simple):
    """The same weights whatever the seed."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        network = super().build(shape, classes)
        for parameter in network.parameters():
            parameter.data.fill_(0.01)
        return network


class OneShort(Simple):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return super().build(shape, classes - 1)


class Sure(Simple):
    """Ends in a softmax."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return nn.Sequential(super().build(shape, classes), nn.Softmax(1))


class Digital(Simple):
    """Knows one size of image."""

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Linear(784, classes)


class _Shifted(Linear):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.shift = torch.rand(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.shift


class Secretive(Simple):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return _Shifted(shape[0] * shape[1] * shape[2], classes)


class _Deciding(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(-x if x.mean() > 0.5 else x)


class Untraceable(Simple):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return _Deciding(shape[0] * shape[1] * shape[2], classes)


class _Pooling(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.max_pool2d(x, 2))


class Shrinking(Simple):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return _Pooling(shape[0] * (shape[1] // 2) * (shape[2] // 2), classes)


class Lazy(Simple):
    @property
    def recipe(self) -> Recipe:
        return Recipe(lr=1e-30, weight_decay=0)


def host(check: str, says: str, target: type[Host], **changes: Any) -> None:
    breaks(
        check, says, declare(Kind.HOST, target, config="tests.testing.broken_others:LinearConfig", **changes)
    )


def plan(check: str, says: str, name: str) -> None:
    breaks(check, says, declare(Kind.PLAN, f"tests.testing.broken_plans:{name}.yaml"))


metric("metric-declares-its-direction", "higher_is_better is None", Undirected)
metric("metric-tells-perfect-from-worst", "0.5 for a faultless", Indifferent)
metric("metric-tells-perfect-from-worst", "1 for a faultless", Upside)
metric("metric-stays-within-bounds", "gives 100", Percent)
metric("metric-forgets-on-reset", "after a reset", Hoarding)
dataset("dataset-gives-pixels", "scale to [0, 1]", Bytes)
dataset("dataset-labels-are-in-range", "must be int64 in 0..9", FromOne)
dataset("dataset-keeps-test-apart", "100%", Leaking)
dataset("dataset-keeps-test-apart", "one tensor", Slicing)
dataset("dataset-loads-the-same-twice", "torch's random generator", Shuffling)
dataset("dataset-fingerprint-is-stable", "changes from one instance", Moody)
host("host-build-follows-from-seed", "same weights for two seeds", Frozen)
host("host-takes-pixels", "answers [4, 9]", OneShort)
host("host-takes-pixels", "answers with probabilities", Sure)
host("host-takes-pixels", "fails on [4, 3, 32, 32] images", Digital)
host("host-state-is-complete", "more than the state dict", Secretive)
host("host-can-be-traced", "cannot be traced", Untraceable)
host("host-refuses-tiny-images", "fails on them", Shrinking)
host("host-trains", "changes nothing", Lazy)
plan("plan-is-well-formed", "schemes: is missing", "headless")
plan("plan-is-well-formed", "cannot be read", "absent")
plan("plan-names-known-methods", "uchidda", "misspelt")
