"""What all checks share: images, a trained host, null models, a marked network to attack. Made once per process."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import (
    Dataset,
    Form,
    Goal,
    Host,
    HostView,
    Images,
    Key,
    Samples,
    Stolen,
    Task,
    outputs,
    seeded,
)
from ownmark.contracts.returned import built
from ownmark.discovery import Catalog, discover
from ownmark.discovery.sealing import unsealed
from ownmark.loops import Fitter
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.granting import narrowed, stolen
from ownmark.runner.plan import Given, Split
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import Splits, divide, task_of

RATE = 0.05
"""False-positive rate of the kit's verdicts."""
NULLS = 4
"""Null models that set a threshold, and as many others that it is tried on."""
FRESH = 20
"""Fresh keys read from each of them."""
COPIES = 3
"""Marked copies that an attack by colluding thieves is given."""

_RECIPE = {"epochs": 12, "batch_size": 64}
_DIGITS = {"limit_train": 800, "limit_test": 200}
_device = [torch.device("cpu")]


def use_device(device: torch.device) -> None:
    """Where the workbenches of this process train and read; before any of them is used."""
    _device[:] = [device]


def device() -> torch.device:
    """See `use_device`."""
    return _device[0]


class _Coloured(Dataset):
    """Three classes of small colour images: a bright third of the picture, on noise."""

    def load(self) -> Images:
        """90 images to train, 30 to test, 3 x 12 x 10."""
        train, test = self._part(90, 0), self._part(30, 1)
        return Images(train, test, 3)

    def _part(self, count: int, seed: int) -> Samples:
        x = 0.5 * torch.rand((count, 3, 12, 10), generator=torch.Generator().manual_seed(seed))
        y = torch.arange(count) % 3
        for label in range(3):
            x[y == label, label, 4 * label : 4 * label + 4] += 0.5
        return Samples(x, y)


class Workbench:
    """Digits and a `convnet` that learns them in a quarter of a second, or what `smoke_host` asks for.

    Args:
        changes: a declaration's `smoke_host`.
        dataset, given: the images and the host, if not what `changes` say. catalog: where these are found.
    """

    def __init__(
        self,
        changes: Mapping[str, Any],
        dataset: Dataset | None = None,
        given: Host | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self._given_dataset, self._given_host = dataset, given
        self._catalog = catalog or discover()
        params = dict(changes)
        self._host_id = params.pop("host", "ownmark/convnet")
        self._dataset = params.pop("dataset", None)
        if self._host_id == "ownmark/convnet":
            quick = {"epochs": 3} if dataset is not None else {}
            params["recipe"] = {**_RECIPE, **params.get("recipe", {}), **quick}
        self._params = params

    @cached_property
    def host(self) -> Host:
        """The host method."""
        if self._given_host is not None:
            return self._given_host
        host: Host = self._catalog.build(Kind.HOST, self._host_id, self._params)
        return host

    @cached_property
    def splits(self) -> Splits:
        """800 images for owner and attacker, 200 to test."""
        parts = self._divided()
        return parts.to(device())

    def _divided(self) -> Splits:
        if self._given_dataset is not None:
            return divide(self._given_dataset.load(), Split(reserve=0.25))
        method = {"ownmark/digits": _DIGITS} if self._dataset is None else self._dataset
        images: Images = self._catalog.build(Kind.DATASET, method).load()
        return divide(images, Split(reserve=0.25))

    @property
    def task(self) -> Task:
        """What the owner wants learned; the images are a copy, which a faulty method may spoil."""
        told = task_of("kit", self.splits, (), self.host.goal)
        return replace(told, owner=_copied(self.splits.owner))

    @cached_property
    def questions(self) -> Tensor:
        """What networks are asked on the test set: its images, latents of generators."""
        return self.host.questions(self.splits.test, rng_for("questions")).to(device())

    def task_for(self, needs: frozenset[Need]) -> Task:
        """The task as a scheme with these needs is told it; what it may see beside is half of the attacker's pool."""
        unseen = _copied(self.splits.pool.first(len(self.splits.pool) // 2)) if Need.UNSEEN in needs else None
        return replace(self.task, unseen=unseen)

    def fitter(self, *purpose: object) -> Fitter:
        """Trains on the kit's device; everything random follows from the purpose."""
        return Fitter(device(), rng_for("kit", *purpose))

    def blank(self, rng: torch.Generator | None = None) -> nn.Module:
        """A newly initialised host."""
        with seeded(rng or rng_for("kit", "blank")):
            return built(self.host, self.splits.shape, self.splits.classes).to(device())

    def plain(self, fit: Fitter) -> nn.Module:
        """A host trained from scratch without a mark; all randomness is the fitter's."""
        return fit(
            self.blank(fit.rng), self.splits.owner, self.host.recipe,
            terms=tuple(self.host.terms()), transforms=tuple(self.host.transforms()),
        )  # fmt: skip

    @cached_property
    def _trained(self) -> nn.Module:
        return self.plain(self.fitter("host"))

    def trained(self) -> nn.Module:
        """A fresh copy of the trained host, in eval mode."""
        return copy.deepcopy(self._trained)

    @cached_property
    def nulls(self) -> tuple[nn.Module, ...]:
        """2 x `NULLS` independently trained hosts, not to be changed."""
        return tuple(self.plain(self.fitter("null", i)) for i in range(2 * NULLS))

    def view(self) -> HostView:
        """What a scheme is shown."""
        host = self.host

        def trained() -> nn.Module:
            with unsealed():
                return self.trained()

        def blank(rng: torch.Generator | None = None) -> nn.Module:
            with unsealed():
                return self.blank(rng)

        return HostView(trained, blank, host.recipe, tuple(host.terms()), tuple(host.transforms()))

    def accuracy(self, network: nn.Module) -> float:
        """Share of the test images that the network classifies correctly."""
        found = outputs(network, self.splits.test.x).argmax(1) == self.splits.test.labels
        return float(found.float().mean())

    @property
    def classifies(self) -> bool:
        """Whether the host is judged by how it classifies."""
        if self.host.goal is not Goal.CLASSIFICATION:
            return False
        return Need.PREDICTIONS in self._catalog.find(Kind.METRIC, self.host.utility).needs

    @cached_property
    def marked(self) -> tuple[nn.Module, Key]:
        """A marked network for attacks, with its key; the mark is `fakes.SignMark`'s."""
        return self._marked()

    def _marked(self, *copy: int) -> tuple[nn.Module, Key]:
        from ownmark.testing.fakes import SignMark, SignMarkConfig

        scheme = SignMark(SignMarkConfig())
        key = scheme.make_key(self.task, rng_for("kit", "key", *copy))
        marked = scheme.embed(self.view(), key, self.task, self.fitter("embed", *copy))
        return marked.network, marked.key

    def transfer(self) -> Samples:
        """Unlabelled images from elsewhere: the attacker's pool in negative; other inputs at random."""
        pool, inputs = self.splits.pool, self.splits.inputs
        if inputs.form is Form.PIXELS:
            return Samples(1 - pool.x)
        return Samples(inputs.random(len(pool), self.splits.shape, rng_for("kit", "transfer"))).to(
            pool.device
        )

    def victim(self) -> nn.Module:
        """A fresh copy of the marked network."""
        return copy.deepcopy(self.marked[0])

    def stolen(
        self, grant: str, needs: frozenset[Need] = frozenset(), victim: nn.Module | None = None
    ) -> Stolen:
        """The marked network with what a threat model grants: `nothing`, `labels`, `images` or `transfer`.

        Args:
            needs: of the attack, which decide whether it holds the network, answers, or several copies.
            victim: the network that is handed over; a fresh copy if not given.
        """
        pool, splits = _copied(self.splits.pool), self.splits
        data = {"labels": pool, "images": pool.unlabelled()}.get(grant)
        transfer = self.transfer() if grant == "transfer" else None
        given = narrowed(Given(access="weights", copies=COPIES), needs)
        network = self.victim() if victim is None else victim
        host = self.host
        return stolen(
            network, given, splits.shape, splits.classes, data, transfer, self._others,
            splits.inputs, host.goal, tuple(host.terms()),
        )  # fmt: skip

    def _others(self) -> list[nn.Module]:
        """Further marked copies of the host, each with another key."""
        return [self._marked(copy)[0] for copy in range(1, COPIES)]


def _copied(samples: Samples) -> Samples:
    return Samples(samples.x.clone(), None if samples.y is None else samples.y.clone())


def workbench_for(declaration: Declaration, catalog: Catalog | None = None) -> Workbench:
    """The workbench of a method's host, shared by all methods that ask for the same.

    Args:
        catalog: where a host or dataset that `smoke_host` names is found; the installed methods if not given.
    """
    changes = json.dumps(dict(declaration.smoke_host), sort_keys=True, default=str)
    names = {"host", "dataset"} & set(declaration.smoke_host)
    key = (changes, id(catalog) if names else 0)
    if key not in _workbenches:
        _workbenches[key] = Workbench(json.loads(changes), catalog=catalog if names else None)
    return _workbenches[key]


def second_workbench(declaration: Declaration) -> Workbench | None:
    """Another task: colour, no square, three classes; None for a method that asks for a host or dataset of its own."""
    own = {"host", "dataset"} & set(declaration.smoke_host)
    return None if own else _second(json.dumps(dict(declaration.smoke_host), sort_keys=True, default=str))


@cache
def _second(changes: str) -> Workbench:
    return Workbench(json.loads(changes), _Coloured())


@cache
def other_workbench(name: str) -> Workbench:
    """One of the tasks that are no pictures with classes (`beyond.TASKS`)."""
    from ownmark.testing.beyond import TASKS, host_of

    return Workbench({}, TASKS[name][0](), host_of(name))


_workbenches: dict[tuple[str, int], Workbench] = {}
