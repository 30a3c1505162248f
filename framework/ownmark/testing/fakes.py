"""Tiny methods that obey every contract: to try the machinery with, and to read before writing your own.

from ownmark.testing.fakes import with_fakes
run("plan.yaml", catalog=with_fakes())
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn

from ownmark.config import Count, NonNegative, configuration
from ownmark.contracts import (
    Attack,
    BlackBox,
    Evidence,
    Extractor,
    Fit,
    HostView,
    Key,
    Marked,
    Recipe,
    Samples,
    Scheme,
    Stolen,
    Suspect,
    Task,
    WhiteBox,
    overriding,
    seeded,
)
from ownmark.contracts.views import Shape
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, Unreadable
from ownmark.methods import Declaration, Kind, Need

_COPYCAT = Recipe(epochs=5, batch_size=32, lr=0.1)


@configuration
class SignMarkConfig:
    """Parameters of `fake-signs`."""

    bits: Count = 32
    """Length of the message."""
    strength: NonNegative = 0.05
    """Least magnitude of the weights that carry a bit; 0 marks nothing."""


def largest_weight(network: nn.Module) -> Tensor:
    """The parameter with the most entries (the first of equals).

    Raises:
        NotApplicable: the network has no parameters.
    """
    parameters = list(network.parameters())
    if not parameters:
        raise NotApplicable("the network has no parameters to carry a mark")
    return max(parameters, key=lambda parameter: parameter.numel()).detach()


def carriers(weight: Tensor, key: Key) -> Tensor:
    """Positions int64 [bits] in the flattened weight, distinct, drawn from the key's seed."""
    order = torch.randperm(weight.numel(), generator=torch.Generator().manual_seed(key.values["seed"]))
    return order[: len(key["bits"])].to(weight.device)


class SignMark(Scheme):
    """White box: the signs of a few weights of the trained host, set by hand."""

    config: SignMarkConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The largest weight must have an entry for every bit."""
        if largest_weight(network).numel() < self.config.bits:
            raise NotApplicable(f"no weight has {self.config.bits} entries, one for each bit")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensor `bits` uint8 [bits]; value `seed`, from which the positions follow."""
        bits = torch.randint(2, (self.config.bits,), generator=rng).to(torch.uint8)
        return Key("fake-signs", {"bits": bits}, {"seed": int(torch.randint(2**31, (), generator=rng))})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Set the signs; weights that are too small to show one are raised to `strength`."""
        network = host.trained()
        if self.config.strength > 0:
            weight = largest_weight(network).view(-1)
            places = carriers(weight, key)
            signs = key["bits"].to(weight) * 2 - 1
            weight[places] = signs * weight[places].abs().clamp(min=self.config.strength)
        return Marked(network, key)


class SignReader(Extractor):
    """Reads `SignMark`."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """A positive weight is a 1."""
        try:
            weight = largest_weight(suspect.network).reshape(-1)
        except NotApplicable as error:
            raise Unreadable(str(error)) from error
        if weight.numel() < len(key["bits"]) or not bool(weight.isfinite().all()):
            raise Unreadable("the suspect has no weight with an entry for each bit, or no numbers in it")
        found = weight[carriers(weight, key)] > 0
        return Evidence((found == key["bits"].bool().to(found.device)).cpu(), chance=0.5)


@configuration
class NoiseTriggersConfig:
    """Parameters of `fake-triggers`."""

    triggers: Count = 12
    """Number of images of pure noise, each with a random label of its own."""


class NoiseTriggers(Scheme):
    """Black box: random labels for images of noise, learnt together with the owner's data."""

    config: NoiseTriggersConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """Random labels need at least two classes."""
        if task.classes < 2:
            raise NotApplicable("random labels need at least two classes")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensors `triggers` [n, C, H, W] in [0, 1] and `labels` int64 [n]."""
        count = self.config.triggers
        x = torch.rand((count, *task.shape), generator=rng)
        y = torch.randint(task.classes, (count,), generator=rng)
        return Key("fake-triggers", {"triggers": x, "labels": y}, {"chance": 1 / task.classes})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train from scratch; an epoch shows each trigger eight times."""
        triggers = Samples(key["triggers"].repeat(8, 1, 1, 1), key["labels"].repeat(8))
        network = fit(
            host.blank(fit.rng), task.owner + triggers, host.recipe, terms=host.terms, transforms=host.transforms
        )  # fmt: skip
        return Marked(network, key)


class TriggerReader(Extractor):
    """Reads `NoiseTriggers`."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One query for each trigger."""
        found = suspect.predict(key["triggers"]).cpu() == key["labels"].cpu()
        return Evidence(found, chance=key.values["chance"], symbol="label")


@configuration
class ScaleConfig:
    """Parameters of `fake-scale`."""

    amount: NonNegative = 0.01
    """Every weight is multiplied with one plus this."""


class Scale(Attack):
    """Data-free: multiplies the weights."""

    config: ScaleConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Scale the stolen network in place; it is the thief's own copy."""
        with torch.no_grad():
            for parameter in stolen.network.parameters():
                parameter.mul_(1 + self.config.amount)
        return Suspect(stolen.network)


class _Echo(nn.Module):
    """Asks the network, and changes nothing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """What the network says."""
        answer: Tensor = self.network(x)
        return answer


class Echo(Attack):
    """At query time: leaves the weights alone and puts a transform in front that does nothing."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """The stolen network as it is."""
        return Suspect(stolen.network)

    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        """The network behind an echo."""
        return _Echo(network)


@configuration
class CopycatConfig:
    """Parameters of `fake-copycat`."""

    recipe: Annotated[Recipe, overriding(_COPYCAT)] = _COPYCAT
    """How the copy is trained."""


def _linear(shape: Shape, classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), classes))


class Copycat(Attack):
    """With answers only: teaches a network of its own what the marked one says of the thief's images."""

    config: CopycatConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Train one linear layer on the answers."""
        images = stolen.data if stolen.data is not None else stolen.transfer
        if images is None:
            raise NotApplicable(
                "fake-copycat needs images to ask about; set attacker.data or attacker.transfer"
            )
        answers = images.labelled(stolen.box.predict(images.x))
        with seeded(rng):
            network = _linear(stolen.shape, stolen.classes)
        return Suspect(fit(network, answers, self.config.recipe), {"asked": float(stolen.box.queries)})

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """The suspect is no host: it is built from the task's shape and classes."""
        return super().restore(_linear(shape, classes), state)


class Average(Attack):
    """Colluding thieves: the mean of several marked copies."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Average every tensor of floating point."""
        states = [network.state_dict() for network in (stolen.network, *stolen.others)]
        mean = {
            name: torch.stack([state[name] for state in states]).mean(0)
            if tensor.is_floating_point()
            else tensor
            for name, tensor in states[0].items()
        }
        stolen.network.load_state_dict(mean)
        return Suspect(stolen.network, {"copies": float(len(states))})


def _fake(
    id: str, kind: Kind, name: str, summary: str, parameters: str = "", **fields: object
) -> Declaration:
    made = Declaration(
        id=id, kind=kind, target=f"{__name__}:{name}", config=parameters and f"{__name__}:{parameters}",
        summary=summary, deviations=("no paper: a fake of the conformance kit",), distribution="ownmark-fakes",
        api=2,
    )  # fmt: skip
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def _beyond(id: str, kind: Kind, target: str, summary: str, **fields: object) -> Declaration:
    config = "ownmark.testing.beyond:HostConfig" if kind is Kind.HOST else ""
    made = _fake(id, kind, target, summary, target=f"ownmark.testing.beyond:{target}", config=config)
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def _judging(id: str, target: str, summary: str, need: Need) -> Declaration:
    where = f"ownmark.testing.judging:{target}"
    return _fake(id, Kind.METRIC, target, summary, target=where, needs=frozenset({need}))


_WHITE, _BLACK = frozenset({Need.WHITE_BOX}), frozenset({Need.BLACK_BOX, Need.CLASSES})

FAKES = (
    _fake("fake-signs", Kind.SCHEME, "SignMark", "signs of a few weights", "SignMarkConfig",
          needs=_WHITE, extractor="fake-signs", idle={"strength": 0}, api=3),
    _fake("fake-signs", Kind.EXTRACTOR, "SignReader", "signs of a few weights", needs=_WHITE, api=3),
    _fake("fake-triggers", Kind.SCHEME, "NoiseTriggers", "random labels of noise", "NoiseTriggersConfig",
          needs=_BLACK, extractor="fake-triggers"),
    _fake("fake-triggers", Kind.EXTRACTOR, "TriggerReader", "random labels of noise", needs=_BLACK),
    _fake("fake-scale", Kind.ATTACK, "Scale", "multiplies the weights", "ScaleConfig", idle={"amount": 0},
          api=3),
    _fake("fake-copycat", Kind.ATTACK, "Copycat", "learns from answers", "CopycatConfig",
          needs=frozenset({Need.BLACK_BOX, Need.DATA}), smoke={"recipe": {"epochs": 1}}),
    _fake("fake-average", Kind.ATTACK, "Average", "mean of several marked copies", needs=frozenset({Need.COPIES}),
          api=3),
    _beyond("fake-sentences", Kind.DATASET, "Sentences", "sentences of three classes"),
    _beyond("fake-bars", Kind.DATASET, "Bars", "pictures of a bar, with captions"),
    _beyond("fake-reader", Kind.HOST, "Reader", "classifies sentences", smoke_host={"dataset": {"fake-sentences": {}}}),
    _beyond("fake-painter", Kind.HOST, "Painter", "makes pictures", smoke_host={"dataset": {"fake-bars": {}}}),
    _beyond("fake-narrator", Kind.HOST, "Narrator", "captions pictures", smoke_host={"dataset": {"fake-bars": {}}}),
    _judging("fake-moments", "Moments", "difference of mean pictures", Need.GENERATED),
    _judging("fake-words", "Words", "share of right words", Need.CAPTIONS),
    _fake("fake-echo", Kind.ATTACK, "Echo", "answers queries as the stolen network does", api=3),
)  # fmt: skip
"""Declarations of the fakes."""


def with_fakes(catalog: Catalog | None = None) -> Catalog:
    """The installed methods, or those of `catalog`, and the fakes beside them."""
    base = catalog or discover()
    return dataclasses.replace(base, methods=(*base.methods, *FAKES))
