"""Faults of strangers' packs that once went unnoticed, one a class."""

from __future__ import annotations

import base64
import logging
import pickle
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from tests.testing.broken import BLACK, FAKES, WHITE, attack, breaks, declare, scheme, white_reader
from torch import Tensor, nn

from ownmark.builtin.datasets.config import DigitsConfig
from ownmark.builtin.datasets.digits import Digits
from ownmark.config import configuration
from ownmark.contracts import (
    Attack,
    Evidence,
    Fit,
    Host,
    HostView,
    Images,
    Key,
    Marked,
    Recipe,
    Samples,
    Stolen,
    Suspect,
    Task,
    WhiteBox,
)
from ownmark.discovery import discover
from ownmark.loops import Fitter
from ownmark.methods import Kind
from ownmark.testing.fakes import Echo, SignMark, SignReader, largest_weight

DRAWN_AT_IMPORT = random.SystemRandom().random()


def nudged(marked: Marked, amount: float) -> Marked:
    with torch.no_grad():
        list(marked.network.parameters())[-1].add_(1e-3 * amount)
    return marked


# --- randomness of another process ----------------------------------------------------------------------------------


def salted(text: str) -> float:
    """Below 1000, of as many values as float32 tells apart: two processes hardly ever agree by chance."""
    return hash(text) % 2**24 / 2**24 * 1000


class Hashing(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        return nudged(super().embed(host, key, task, fit), salted("salt"))


class OrderOfSets(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        order = list({f"layer {i}" for i in range(12)})
        place = sum(int(name[6:]) / 12**i for i, name in enumerate(order))
        return nudged(super().embed(host, key, task, fit), 100 * place)


class ModuleGlobal(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        return nudged(super().embed(host, key, task, fit), DRAWN_AT_IMPORT)


class HashingThief(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        next(stolen.network.parameters()).data.mul_(1 + 1e-4 * salted("thief"))
        return Suspect(stolen.network)


# --- secrets --------------------------------------------------------------------------------------------------------


class InABuffer(SignMark):
    """Keeps the message in the network that is given away."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        marked.network.register_buffer("message", key["bits"].clone())
        return marked

    def restore(self, network: nn.Module, state: Any, shape: Any = None, classes: int = 0) -> nn.Module:
        network.register_buffer("message", torch.zeros_like(state["message"]))
        network.load_state_dict(dict(state))
        return network


class AsNumbers(SignMark):
    """Writes the message itself, as floats, into the weights."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        largest_weight(marked.network).view(-1)[-32:] = key["bits"].float()
        return marked


class Boasting(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        return replace(super().embed(host, key, task, fit), exhibits={"where": f"seed {key.values['seed']}"})


class Showing(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        picture = key["bits"].float().reshape(1, 1, 4, 8)
        return replace(super().embed(host, key, task, fit), exhibits={"picture": picture})


class Logging(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        logging.getLogger("acme").warning("embedding with %s", key.values["seed"])
        return super().embed(host, key, task, fit)


class Printing(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        print("embedding now")
        return super().embed(host, key, task, fit)


class NetworkInKey(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        return replace(marked, key=marked.key.add(dict(marked.network.state_dict())))


class PickleInKey(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        packed = pickle.dumps(list(range(40)), protocol=4)
        return super().make_key(task, rng).add({"blob": torch.tensor(list(packed), dtype=torch.uint8)})


class PickleAsText(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return (
            super().make_key(task, rng).add(blob=base64.b64encode(pickle.dumps(list(range(90)), 4)).decode())
        )


class Misnamed(SignMark):
    """Calls positions `triggers`."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return super().make_key(task, rng).add({"triggers": torch.arange(5)})


class ShortLabels(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        images = torch.rand(5, *task.shape, generator=rng)
        return (
            super().make_key(task, rng).add({"triggers": images, "labels": torch.zeros(4, dtype=torch.int64)})
        )


# --- training -------------------------------------------------------------------------------------------------------


class OwnOptimiser(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        optimizer = torch.optim.SGD(marked.network.parameters(), 1e-4)
        F.cross_entropy(marked.network(task.owner.x[:32]), task.owner.labels[:32]).backward()
        optimizer.step()
        return marked


class OwnFit(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        fitted = Fitter(torch.device("cpu"), fit.rng)(marked.network, task.owner, Recipe(epochs=1, lr=1e-4))
        return replace(marked, network=fitted)


class OwnLoss(SignMark):
    """Trains with cross entropy, whatever the host learns."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        return replace(marked, network=fit(marked.network, task.owner, Recipe(epochs=1, lr=1e-4)))


class ByHand(SignMark):
    """Descends without an optimiser."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        parameters = list(marked.network.parameters())
        loss = F.cross_entropy(marked.network(task.owner.x[:32]), task.owner.labels[:32])
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.data -= 1e-4 * gradient
        return marked


class Ciphered(SignMark):
    """Gives the message away, xored with a constant that it keeps."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        pad = torch.randint(2, (32,), generator=torch.Generator().manual_seed(9)).to(torch.uint8)
        largest_weight(marked.network).view(-1)[-32:] = 1e-3 * (key["bits"] ^ pad).float()
        return marked


# --- settings and surroundings --------------------------------------------------------------------------------------


class SeedingCheck(SignMark):
    def check(self, network: nn.Module, task: Task) -> None:
        torch.manual_seed(0)
        super().check(network, task)


class EditingCheck(SignMark):
    def check(self, network: nn.Module, task: Task) -> None:
        super().check(network, task)
        next(network.parameters()).data.zero_()


class EditingThief(Echo):
    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        network.train(not network.training)


class Threads(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        torch.set_num_threads(torch.get_num_threads() + 1)
        return marked


class Backend(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        return super().embed(host, key, task, fit)


class Precision(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        torch.set_float32_matmul_precision("medium")
        return Suspect(stolen.network)


def _digits() -> Tensor:
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().images).float()[:, None] / 16


class Collector(SignMark):
    """Fetches more images than the owner has."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        return nudged(super().embed(host, key, task, fit), float(_digits().mean()))


class Librarian(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        return nudged(super().embed(host, key, task, fit), len(discover().methods))


class Student(Echo):
    """Granted nothing, learns from the test set."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        return Suspect(stolen.network, {"mean": float(_digits().mean())})


class Borrower(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        images = discover().build(Kind.DATASET, "digits").load()
        return Suspect(stolen.network, {"test": float(len(images.test))})


class Bundled(Echo):
    """Carries what it knows of the test set in its own source."""

    ANSWERS = (3, 1, 4, 1, 5)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        return Suspect(stolen.network, {"first": float(self.ANSWERS[0])})


# --- other tasks ----------------------------------------------------------------------------------------------------


class TenClasses(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        marked = super().embed(host, key, task, fit)
        assert marked.network(task.owner.x[:2])[:, 9].shape == (2,)
        return marked


class GreyEights(SignMark):
    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return super().make_key(task, rng).add({"mask": task.owner.x[:1].reshape(1, 1, 8, 8).clone()})


class TenAnswers(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x)
        return F.pad(found, (0, 10 - found.shape[1]))


class TenClassThief(Echo):
    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        return TenAnswers(network)


class ThreeSizes(Echo):
    """Says that it takes any task, and takes three sizes of an input for granted."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        _, _, _ = stolen.shape
        return super().attack(stolen, fit, rng)


class OneLabelEach(SignMark):
    """Says that it takes any task, and counts labels."""

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        return super().make_key(task, rng).add({"counts": task.owner.labels.bincount()})


# --- access ---------------------------------------------------------------------------------------------------------


class Peeping(Attack):
    """Declares that it asks, and looks."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        return Suspect(stolen.copy())


class Foreign(Attack):
    """Leaves another architecture and does not say how to build it."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        network = nn.Linear(64, stolen.classes)
        nn.init.zeros_(network.weight)
        nn.init.zeros_(network.bias)
        return Suspect(nn.Sequential(nn.Flatten(), network))


# --- extractors -----------------------------------------------------------------------------------------------------


class Everything(SignReader):
    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        return Evidence(torch.ones(len(key["bits"]), dtype=torch.bool), chance=0.5)


class Keyless(SignReader):
    """Compares with what it remembers, not with the key."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        weight = largest_weight(suspect.network).reshape(-1)[: len(key["bits"])]
        return Evidence((weight > 0).cpu(), chance=0.5)


# --- hosts, datasets, metrics ---------------------------------------------------------------------------------------


@configuration
class SmallHostConfig:
    recipe: Recipe = Field(default_factory=lambda: Recipe(epochs=1, lr=0.01))
    """How it is trained."""


class BatchMinded(nn.Module):
    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear((x - x.mean(0)).flatten(1))


class BatchHost(Host):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return BatchMinded(shape[0] * shape[1] * shape[2], classes)


class TenHost(Host):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], 10))


class SquareHost(Host):
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[1], classes))


@configuration
class FileConfig:
    path: str
    """A file of bytes."""


class Constant(Digits):
    config: Any

    def __init__(self, config: Any = None) -> None:
        super().__init__(DigitsConfig(limit_train=300, limit_test=60))
        self.path = Path(config.path)

    def load(self) -> Images:
        assert self.path.read_bytes()
        return super().load()

    def fingerprint(self) -> str:
        return "always this"


class Unprinted(Constant):
    def fingerprint(self) -> str:
        return ""


class Leaking(Digits):
    """Five in a hundred test images are training images."""

    def load(self) -> Images:
        images = super().load()
        count = len(images.test) // 20
        test = Samples(images.test.x.clone(), images.test.labels.clone())
        test.x[:count], test.labels[:count] = images.train.x[:count], images.train.labels[:count]
        return Images(images.train, test, images.classes)


DATA = {"path": str(Path(__file__))}
SCHEME = "method-repeats-itself-in-another-process"
DIGITS: Mapping[str, Any] = {
    "config": "ownmark.builtin.datasets.config:DigitsConfig", "smoke": {"limit_train": 600, "limit_test": 200},
}  # fmt: skip
FILE: Mapping[str, Any] = {"config": f"{__name__}:FileConfig", "smoke": DATA}
HOST: Mapping[str, Any] = {"config": f"{__name__}:SmallHostConfig"}

scheme(SCHEME, "another process gives another result", Hashing)
scheme(SCHEME, "another process gives another result", OrderOfSets)
scheme(SCHEME, "another process gives another result", ModuleGlobal)
attack(SCHEME, "another process gives another result", HashingThief)
scheme("scheme-releases-no-key-material", "released state holds the key's bits", InABuffer)
scheme("scheme-releases-no-key-material", "released state holds the key's bits", AsNumbers)
scheme("scheme-releases-no-key-material", "exhibits show the key's seed", Boasting)
scheme("scheme-releases-no-key-material", "exhibits show the key's bits", Showing)
scheme("scheme-says-nothing", "prints or logs the key's seed", Logging)
scheme("scheme-says-nothing", "'embedding now'", Printing)
scheme("scheme-key-is-no-network", "of a network's weights", NetworkInKey)
scheme("scheme-key-is-no-network", "file in disguise", PickleInKey)
scheme("scheme-key-is-no-network", "file in disguise", PickleAsText)
scheme("scheme-key-speaks-the-common-names", "`triggers` is int64 [5]", Misnamed)
scheme("scheme-key-speaks-the-common-names", "5 `triggers` and 4 `labels`", ShortLabels)
scheme("scheme-trains-through-fit", "optimiser of its own", OwnOptimiser)
scheme("scheme-trains-through-fit", "optimiser of its own", OwnFit)
scheme("scheme-learns-the-hosts-task", "without `host.terms`", OwnLoss)
scheme("method-check-leaves-all-alone", "torch's random generator", SeedingCheck)
scheme("method-check-leaves-all-alone", "the network", EditingCheck)
attack("method-check-leaves-all-alone", "the network", EditingThief)
scheme("scheme-leaves-the-rest-alone", "torch's threads", Threads)
scheme("scheme-leaves-the-rest-alone", "cudnn.benchmark", Backend)
attack("attack-leaves-the-surroundings-alone", "matmul precision", Precision)
scheme("scheme-uses-what-it-is-handed", "opens", Collector)
scheme("scheme-uses-what-it-is-handed", "asks for the catalogue", Librarian)
attack("attack-opens-no-files", "opens", Student)
attack("attack-opens-no-files", "asks for the catalogue", Borrower)
scheme("scheme-works-on-another-task", "IndexError", TenClasses)
scheme("scheme-works-on-another-task", "RuntimeError", GreyEights)
attack("attack-works-on-another-task", "answers [30, 10]", TenClassThief)
attack(
    "attack-works-on-what-it-claims",
    "its needs allow sentences, and there it raises ValueError",
    ThreeSizes,
    api=3,
)
scheme(
    "scheme-works-on-what-it-claims",
    "allow a generator, and there it raises RuntimeError",
    OneLabelEach,
    api=3,
)
attack("attack-works-with-what-it-needs", "granted answers", Peeping, needs=BLACK)
attack("attack-suspect-restores", "missing", Foreign)
white_reader("extractor-depends-on-the-key", "every symbol matches", Everything)
white_reader("extractor-depends-on-the-key", "symbol by symbol", Keyless)
breaks(
    "extractor-depends-on-the-key",
    "every symbol matches",
    declare(Kind.EXTRACTOR, Everything, id="alone", needs=WHITE),
)
breaks("host-answers-image-by-image", "otherwise in a batch", declare(Kind.HOST, BatchHost, **HOST))
breaks("host-takes-shape-and-classes", "of 3 classes", declare(Kind.HOST, TenHost, **HOST))
breaks("host-takes-shape-and-classes", "fails on them", declare(Kind.HOST, SquareHost, **HOST))
breaks(
    "dataset-fingerprint-follows-the-data", "whatever the file holds", declare(Kind.DATASET, Constant, **FILE)
)
breaks("dataset-fingerprint-follows-the-data", "hash the file", declare(Kind.DATASET, Unprinted, **FILE))
breaks("dataset-keeps-test-apart", "of the test images", declare(Kind.DATASET, Leaking, **DIGITS))
UNDETECTED = {
    "training by hand is arithmetic on weights, as is every mark that is set by hand": declare(
        Kind.SCHEME, ByHand, config=f"{FAKES}:SignMarkConfig", extractor="fake-signs", needs=WHITE
    ),
    "what a pack carries in its own source was not fetched from anywhere": declare(Kind.ATTACK, Bundled),
    "a key hidden by a cipher looks like any other weights": declare(
        Kind.SCHEME, Ciphered, config=f"{FAKES}:SignMarkConfig", extractor="fake-signs", needs=WHITE
    ),
}
"""Faults that no check can tell from honest work, with the reason; reviewers look for them."""
