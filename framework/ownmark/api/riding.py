"""A scheme that rides along while somebody else's loop trains the network.

The scheme's `embed` runs in a thread of its own. Where it asks to train the network at hand, it waits: before every
step of the user's optimiser, the gradients of what it asked for, on a batch of the owner's images, are added to the
user's. When the user's training is over, `embed` goes on as if it had trained the network itself.
"""

from __future__ import annotations

import copy
import functools
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ownmark.api.data import as_images
from ownmark.api.lending import classes_of, freshened, lend
from ownmark.api.marking import TRAINED, as_plan, released, started
from ownmark.api.results import Mark
from ownmark.builtin.hosts.module import Module, Scores
from ownmark.builtin.hosts.module_config import ModuleConfig
from ownmark.contracts.dataset import Images
from ownmark.contracts.fit import Recipe, cross_entropy
from ownmark.contracts.key import Key
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import HostView, Marked, Task, device_of, evaluating
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.loops import Fitter
from ownmark.loops.batches import Batches
from ownmark.methods import Kind, Need
from ownmark.ownership.embedding import keyed
from ownmark.runner.plan import Entry
from ownmark.runner.resolve import needs_of
from ownmark.runner.seeds import rng_for

if TYPE_CHECKING:
    from pytorch_lightning import Callback

ALONE = "mark the network after its training, with ownmark.mark"


@dataclass(frozen=True)
class Asked:
    """What the scheme wants of a training."""

    samples: Samples
    recipe: Recipe
    terms: Sequence[Term]
    transforms: Sequence[Transform]


class Ride:
    """One scheme and one network.

    Args:
        network: takes pixels; shares its parameters with what the user trains.
        scheme, key, task: as for `Scheme.embed`. seed: of what is drawn on the way.
    """

    def __init__(self, network: nn.Module, scheme: Scheme, key: Key, task: Task, seed: int) -> None:
        self._network, self._scheme, self._key, self._task = network, scheme, key, task
        self._rng = rng_for("embed", seed)
        self._asked: Asked | None = None
        self._stopped, self._over = threading.Event(), threading.Event()
        self._marked: Marked | None = None
        self._error: BaseException | None = None
        self._steps = 0
        self._thread = threading.Thread(target=self._embed, daemon=True, name="ownmark")

    def begin(self) -> None:
        """Run the scheme up to where it trains.

        Raises:
            NotApplicable: it trains in a way that no other training can carry.
        """
        self._thread.start()
        self._stopped.wait()
        self._raise()
        if self._asked is None:
            raise NotApplicable(f"the scheme never trains the network itself; {ALONE}")
        asked = self._asked
        batches = Batches(
            asked.samples,
            asked.recipe.batch_size,
            list(asked.transforms),
            rng_for("ride", self._rng.initial_seed()),
        )
        self._batches = _endless(batches)

    def step(self) -> float:
        """Add the mark's gradients to those that are there; what was minimised."""
        assert self._asked is not None
        batch = next(self._batches)
        with torch.enable_grad():
            parts = [term(self._network, batch, self._steps).float() for term in self._asked.terms]
            loss = functools.reduce(torch.add, parts)
            torch.autograd.backward(loss)
        self._steps += 1
        return float(loss.detach())

    def end(self) -> Marked:
        """What the scheme makes of the trained network.

        Raises:
            Exception: whatever the scheme raised.
        """
        self._over.set()
        self._thread.join()
        self._raise()
        assert self._marked is not None
        return self._marked

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _embed(self) -> None:
        from_trained = getattr(self._scheme.config, "start", "") == TRAINED
        handed = [] if from_trained else [self._network]

        def blank(rng: torch.Generator) -> nn.Module:
            return handed.pop() if handed else freshened(self._network).to(device_of(self._network))

        view = HostView(lambda: self._network, blank, Recipe(batch_size=64), (cross_entropy,))
        try:
            self._marked = self._scheme.embed(view, self._key, self._task, self)  # type: ignore[arg-type]
        except BaseException as error:
            self._error = error
        finally:
            self._stopped.set()

    @property
    def rng(self) -> torch.Generator:
        """See `Fit`."""
        return self._rng

    def __call__(
        self,
        network: nn.Module,
        samples: Samples,
        recipe: Recipe,
        *,
        terms: Sequence[Term] = (cross_entropy,),
        transforms: Sequence[Transform] = (),
        callbacks: Sequence[Callback] = (),
        trains: Any = None,
    ) -> nn.Module:
        """See `Fit`: the first training of the network itself is the user's, every other one is done here."""
        if network is not self._network or self._asked is not None:
            fitter = Fitter(device_of(network), self._rng)
            return fitter(
                network,
                samples,
                recipe,
                terms=terms,
                transforms=transforms,
                callbacks=callbacks,
                trains=trains,
            )
        if callbacks or trains is not None:
            raise NotApplicable(f"the scheme has a training of its own kind; {ALONE}")
        self._asked = Asked(samples, recipe, tuple(terms), tuple(transforms))
        self._stopped.set()
        self._over.wait()
        return network.eval()


def _endless(batches: Any) -> Iterator[Any]:
    while True:
        yield from batches


class Embedding:
    """What the callbacks of all trainers share: a mark that is embedded during the user's own training.

    Args:
        data, scheme, mean, std, classes, test: as for `ownmark.mark`; `data` are the images that the mark needs, which
            may be the training images.
        rate: of false claims.

    Attributes:
        mark: the result, once the training is over.
    """

    def __init__(
        self,
        data: Any,
        scheme: str | Mapping[str, Any] = "adi",
        *,
        test: Any = None,
        mean: Sequence[float] = (),
        std: Sequence[float] = (),
        classes: int | None = None,
        rate: float = 0.05,
    ) -> None:
        import secrets

        self._images = as_images(data, test, mean, std, classes)
        self._normalised: dict[str, Any] = {
            n: list(map(float, v)) for n, v in (("mean", mean), ("std", std)) if v
        }
        self._catalog = discover()
        ((name, params),) = started(scheme, self._catalog).items()
        entry = keyed(Entry(id=name, params=params), self._catalog)
        self._told = {entry.id: entry.params}
        self._rate, self._classes = rate, classes
        self._secret = secrets.randbits(62)
        self._ride: Ride | None = None
        self.mark: Mark | None = None

    def begin(self, model: nn.Module) -> None:
        """Before the first step.

        Raises:
            PlanError, NotApplicable: the scheme's parameters are wrong, or it cannot ride along.
        """
        classes = self._classes or classes_of(model, self._images.shape) or self._images.classes
        self._images = replace(self._images, classes=classes)
        network, device = _scoring(model, self._images, self._normalised), device_of(model)
        ((name, params),) = self._told.items()
        if Need.UNSEEN in needs_of(self._catalog, Kind.SCHEME, name, params):
            raise NotApplicable(f"{name} takes images that the network was not trained on; {ALONE}")
        scheme: Scheme = self._catalog.build(Kind.SCHEME, name, params)
        owner = self._images.train.to(device)
        task = Task("training", self._images.shape, classes, owner)
        scheme.check(network, task)
        key = scheme.make_key(task, rng_for("key", self._secret)).to(device)
        self._ride = Ride(network, scheme, key, task, self._secret)
        self._ride.begin()

    def step(self) -> None:
        """Before every step of the optimiser, once gradients are there."""
        if self._ride is not None:
            self._ride.step()

    def end(self, model: nn.Module) -> Mark:
        """After the last step.

        Raises:
            NotApplicable: the mark did not take.
        """
        if self._ride is None:
            raise OwnmarkError("the training has not begun")
        with _modes_of(model):
            marked, self._ride = self._ride.end(), None
        self.mark = _kept(model, marked, self._images, self._told, self._normalised, self._secret, self._rate)
        return self.mark


def _scoring(model: nn.Module, images: Images, normalised: Mapping[str, Any]) -> nn.Module:
    """A network of pixels around a model, of the structure that `module` builds."""
    channels = images.shape[0]
    each = {name: values * channels if len(values) == 1 else values for name, values in normalised.items()}
    host = Module(ModuleConfig(target="ownmark.api.held:none", **each))
    with evaluating(model):
        answer = model(torch.zeros(2, *images.shape, device=device_of(model)))
    scoring = Scores(model) if isinstance(getattr(answer, "logits", None), Tensor) else model
    return host.around(scoring).to(device_of(model))


def _modes_of(model: nn.Module) -> Any:
    """Training modes come back after the block."""
    from contextlib import contextmanager

    @contextmanager
    def kept() -> Iterator[None]:
        modes = {module: module.training for module in model.modules()}
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode

    return kept()


def _kept(
    model: nn.Module,
    marked: Marked,
    images: Images,
    told: Mapping[str, Any],
    normalised: Mapping[str, Any],
    secret: int,
    rate: float,
) -> Mark:
    """The folder of a mark, its marked stage being what the ride left."""
    from ownmark.ownership.embedding import embedded, single_plan
    from ownmark.runner.cell import expand
    from ownmark.runner.progress import Silent
    from ownmark.runner.session import checked_session
    from ownmark.runner.store import Contents

    work = Path(tempfile.mkdtemp(prefix="ownmark-"))
    try:
        plain = copy.deepcopy(model).cpu().eval()
        lent = lend(
            plain, images, work, classes=images.classes, mean=normalised.get("mean", ()), std=normalised.get("std", ()),
        )  # fmt: skip
        plan, document = as_plan({
            "name": "mark", "tasks": [{"dataset": lent.dataset, "host": lent.host}], "schemes": [dict(told)],
            "verdict": {"rate": rate, "null_models": 19},
        })  # fmt: skip
        single = replace(single_plan(plan, document, discover()), seeds=(secret,))
        session = checked_session(single, document, work, work / "store", "cpu", Silent(), discover())
        cell = expand(single)[0]
        network = _scoring(plain, images, normalised)
        network.load_state_dict({n: t.cpu() for n, t in marked.network.state_dict().items()})
        values = {"key": dict(marked.key.values), "scheme": marked.key.scheme, "exhibits": {}}
        files = {"network": network.state_dict(), "key": marked.key.to("cpu").tensors}
        node = session.making.marked(cell)
        session.engine.get(replace(node, compute=lambda bench: Contents(values, files)))
        made = embedded(session, work / "mark", max_loss=1.0)
        _say_what_is_known(made.folder / "owner" / "claim.json")
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    utility = {name: made.utility[name] for name in ("metric", "marked")}
    found = Mark(made.folder, released(lent, made.folder), utility, dict(made.verdicts), lent.saved())
    weakref.finalize(found, shutil.rmtree, work, ignore_errors=True)
    return found


def _say_what_is_known(path: Path) -> None:
    """There never was a network without the mark, so there is no utility of one."""
    about = json.loads(path.read_text(encoding="utf-8"))
    about["utility"] = {n: v for n, v in about["utility"].items() if n not in ("host", "loss")}
    path.write_text(json.dumps(about, indent=1, sort_keys=True))
