"""`mark`: a copy of a live model with a mark in it. `load`: a mark that was saved."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ownmark.api.data import as_images, samples_of
from ownmark.api.held import is_held
from ownmark.api.keeping import target_of
from ownmark.api.lending import Lent, lend, lend_images, listed_nulls, saved_host
from ownmark.api.results import Mark
from ownmark.api.speaking import speaking
from ownmark.discovery import Catalog, discover
from ownmark.errors import DataError, OwnmarkError
from ownmark.foreign import shown
from ownmark.methods import Kind, Need
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.runner.thresholds import models_for

TRAINED = "trained"


@speaking
def mark(
    model: nn.Module,
    data: Any,
    scheme: str | Mapping[str, Any] = "adi",
    *,
    test: Any = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    classes: int | None = None,
    readers: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] = (),
    nulls: Any = (),
    recipe: Mapping[str, Any] | None = None,
    build: Callable[[], nn.Module] | None = None,
    rate: float = 0.05,
    max_loss: float = 0.01,
    controls: Any = None,
    device: str = "auto",
    progress: Any = None,
) -> Mark:
    """Mark a copy of a trained model; the one that was given stays as it is.

    Args:
        model: takes images [N, C, H, W], answers [N, classes]. data, test, mean, std, classes: see `as_images`; with
            `mean` and `std` the model takes normalised images, without them pixels in [0, 1].
        scheme: as in a plan, `"adi"` or `{"adi": {"keys": 50}}`; it starts from the trained weights if it can.
        readers: further extractors, as in a plan; one may stand alone.
        nulls: null models, for schemes whose chance is not known: how many are trained by `recipe`, or independent
            networks of the same class (modules, files). None are needed where chance is known.
        build: gives a fresh network of the class; without it the layers of a copy are drawn anew.
        rate: of false claims. max_loss: of accuracy, past which nothing is released; None is
            0.01, 1 allows any.
        controls: clean labelled images that suspects are asked about first, as `data`; public ones tell a service
            nothing of yours. None takes the test images.

    Raises:
        PlanError: the scheme or its parameters are wrong. NotApplicable: the mark did not take, or cost too much.
        DataError: the data are no images.
    """
    from ownmark.ownership import embed

    catalog = discover()
    further = [readers] if isinstance(readers, str | Mapping) else list(readers)
    work = Path(tempfile.mkdtemp(prefix="ownmark-"))
    try:
        given = listed_nulls(nulls)
        lent = lend(
            model, data, work, test=test, mean=mean, std=std, classes=classes, build=build, nulls=given, recipe=recipe
        )  # fmt: skip
        count = nulls if isinstance(nulls, int) else len(given)
        clean = None if controls is None else samples_of(controls, mean, std, "controls")
        plan = {
            "name": "mark", "tasks": [{"dataset": lent.dataset, "host": lent.host}],
            "schemes": [started(scheme, catalog)],
            "extractors": ["default", *further],
            "verdict": {"rate": rate, "null_models": count or _nulls_for(rate, scheme, further, catalog)},
        }  # fmt: skip
        made = embed(
            as_plan(plan), work / "mark", max_loss=max_loss, controls=clean, device=device, progress=progress
        )
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    found = Mark(
        made.folder, released(lent, made.folder), dict(made.utility), dict(made.verdicts), lent.saved()
    )
    weakref.finalize(found, shutil.rmtree, work, ignore_errors=True)
    return found


@speaking
def load(
    folder: str | Path,
    network: nn.Module | Callable[[], nn.Module] | None = None,
    *,
    data: Any = None,
    test: Any = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    trust: bool = False,
) -> Mark:
    """A mark that `Mark.save` or `ownmark embed` wrote.

    Args:
        trust: the folder is the caller's own, so that code and files which it names are used. Not needed for a mark
            that was made on this machine, nor for its class where `network` is given.
        network: an instance, or what makes one, of the owner's class, where the folder cannot name it.
        data, test, mean, std: what `mark` was given, for a mark that does not keep its images. Fresh keys are drawn
            from them, which say whose a mark is beside saying that there is one; without them a verdict rests on the
            key's construction and on null models.

    Raises:
        UntrustedFile: the folder is incomplete or altered, or names code and is not trusted.
        DataError: the data are not those that the mark was made from.
        OwnmarkError: the class is not known here.
    """
    from ownmark.ownership.mine import is_mine
    from ownmark.ownership.trust import require_plain

    folder = given = Path(folder).resolve()
    trust = trust or is_mine(folder)
    owner, release = Claim.read(folder / "owner"), Release.read(folder / "released")
    if data is not None:
        images = as_images(data, test, mean, std, None)
        lent = lend_images(replace(images, classes=release.structure.classes))
        _require_same(lent, owner, release)
    if network is not None:
        folder = _with_network(folder, network)
        release = Release.read(folder / "released")
    catalog = discover()
    if not trust:
        require_plain(release, catalog, str(folder), "trust=True")
    whole = release.restored(catalog, model_state(folder / "released"), str(folder))
    host = release.structure.builder(catalog)
    saved = None
    if network is not None:
        normalised = {n: v for n, v in release.structure.host.parameters.items() if n in ("mean", "std")}
        saved = saved_host(host.bare(whole), release.structure.shape, normalised)
    found = Mark(folder, host.bare(whole), dict(owner.about.get("utility", {})), {}, saved, trust, given)
    if network is not None:
        weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
    return found


def _require_same(lent: str, owner: Claim, release: Release) -> None:
    target = target_of(owner, release)
    if is_held(target) and lent != target:
        raise DataError(
            "data: not the images that the mark was made from; give data, test, mean and std as `ownmark.mark` was "
            "given them"
        )


def _nulls_for(rate: float, scheme: Any, readers: Sequence[Any], catalog: Catalog) -> int:
    """Null models where nobody says how many: enough to carry a claim alone, if a reader has nothing else."""
    methods = [(Kind.SCHEME, scheme), *((Kind.EXTRACTOR, one) for one in readers if one != "default")]
    named = [(kind, one if isinstance(one, str) else next(iter(one))) for kind, one in methods]
    alone = {Need.EMBEDDED_KEY, Need.OWN_COPY}
    if any(alone & catalog.find(kind, name).needs for kind, name in named):
        return models_for(rate)
    return 8


def started(scheme: str | Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The scheme, starting from trained weights if it has the choice and nothing else is said.

    Raises:
        OwnmarkError: it is not one name, or one name with parameters.
    """
    if not isinstance(scheme, str) and not (isinstance(scheme, Mapping) and len(scheme) == 1):
        raise OwnmarkError(
            f'scheme: expected one, such as "adi" or {{"adi": {{"keys": 50}}}}, got {shown(scheme, 80)}'
        )
    name, params = (scheme, {}) if isinstance(scheme, str) else next(iter(scheme.items()))
    chosen = dict(params or {})
    config = catalog.find(Kind.SCHEME, name).load_config()
    if "start" not in chosen and "start" in getattr(config, "__pydantic_fields__", {}):
        _, _, problems = catalog.validate(Kind.SCHEME, name, chosen | {"start": TRAINED})
        if not problems:
            chosen["start"] = TRAINED
    return {name: chosen}


def as_plan(plan: Mapping[str, Any]) -> Any:
    """A plan out of plain values."""
    from ownmark.runner.plan import parse_plan

    return parse_plan(json.dumps(plan), "the arguments")


def released(lent: Lent, folder: Path) -> nn.Module:
    """A copy of the owner's model with the marked weights; of another structure where the scheme changes layers."""
    state = model_state(folder / "released")
    network = copy.deepcopy(lent.model).cpu().eval()
    try:
        network.load_state_dict(state)
        return network
    except RuntimeError:
        release, catalog = Release.read(folder / "released"), discover()
        host = release.structure.builder(catalog)
        bare: nn.Module = host.bare(release.restored(catalog, state, str(folder)))
        return bare


def _with_network(folder: Path, network: nn.Module | Callable[[], nn.Module]) -> Path:
    """A copy of the folder whose host is a live object."""
    from ownmark.api.held import hold
    from ownmark.api.lending import state_digest

    def make() -> nn.Module:
        return copy.deepcopy(network) if isinstance(network, nn.Module) else network()

    try:
        made = make()
    except TypeError as error:
        raise OwnmarkError(
            f"network: {error}; give what needs none, such as lambda: Net(width=32)"
        ) from error
    if not isinstance(made, nn.Module):
        raise OwnmarkError(f"network: expected a module or what makes one, got {type(made).__name__}")
    into = Path(tempfile.mkdtemp(prefix="ownmark-")) / "mark"
    shutil.copytree(folder, into)
    path = into / "released" / "model.json"
    about = json.loads(path.read_text())
    params = {name: value for name, value in about["host"]["params"].items() if name in ("mean", "std")}
    target = hold("m", state_digest(made), make)
    about["host"] = {"id": "module", "label": "module", "params": {"target": target, **params}}
    path.write_text(json.dumps(about))
    return into
