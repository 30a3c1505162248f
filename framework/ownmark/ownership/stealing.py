"""`attack`: what a thief does with a released network, outside of an experiment."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ownmark.checkpoints import read_weights
from ownmark.config import to_plain
from ownmark.contracts.attack import Attack
from ownmark.contracts.returned import returned
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Goal, require_fit
from ownmark.contracts.views import Suspect, predictions, seeded
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, OwnmarkError, PlanError, UntrustedFile, contained
from ownmark.foreign import shown
from ownmark.loops import Fitter
from ownmark.loops.repeat import repeatable
from ownmark.methods import Kind, Need
from ownmark.ownership.data import images_of
from ownmark.ownership.folder import Claim, Release, Step, Structure, appearing, model_state, require_vacant
from ownmark.ownership.mine import is_mine
from ownmark.ownership.trust import require_plain
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.controls import are_classes
from ownmark.runner.device import device_called
from ownmark.runner.engine import Progress
from ownmark.runner.granting import access_problems, narrowed, stolen
from ownmark.runner.places import require_writable, writing
from ownmark.runner.plan import Entry, Given, Split
from ownmark.runner.qualify import qualified
from ownmark.runner.resolve import needs_of
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide, granted
from ownmark.runner.yamlfile import parse

TRAINED_ON = (
    "the owner kept no images apart, so the thief is given some that the network was trained on; name others with "
    "--images"
)
EXAMPLES = {
    "attack": "`prune` or `{prune: {sparsity: 0.8}}`", "dataset": "`{npz: {path: mine.npz}}`",
    "host": "`convnet` or `{timm: {name: resnet18}}`", "extractor": "`align` or `{align: {extractor: uchida}}`",
}  # fmt: skip


@dataclass(frozen=True)
class Attacked:
    """What `attack` left behind.

    Args:
        folder: with the suspect. exhibits: what the attack has to say (numbers and text).
        accuracy: `before` and `after`, on the test images of the dataset; empty where none is named.
    """

    folder: Path
    exhibits: Mapping[str, Any]
    accuracy: Mapping[str, float] = field(default_factory=dict)


def attack(
    released: Path,
    method: str,
    into: Path,
    *,
    given: str = "{}",
    images: str | None = None,
    network: str | None = None,
    trust: bool = False,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
    catalog: Catalog | None = None,
) -> Attacked:
    """Attack the network of a folder and write what comes of it into another one.

    Args:
        released: folder with `model.safetensors` and `model.json`; or a file of weights, as `ownmark.checkpoints` reads
            them, if `network` and `images` say what they are the weights of.
        method: as in a plan: `prune` or `{prune: {sparsity: 0.8}}`.
        given: what the thief holds, as a plan's `attacker`: `{data: 500, labels: false}`. Where the owner kept no
            images apart, `source` is `owner` unless this says otherwise.
        images: dataset that they are taken from, as in a plan; if not given, the one that the owner's half beside
            the folder (or an older `model.json`) names, which is loaded for a trusted folder only.
        network: the host that a bare file holds the weights of, as in a plan: `{timm: {name: resnet18}}`.
        trust: the folder is the user's own, so that code which it names may run; that of a mark which was embedded
            here may anyway.

    Raises:
        UntrustedFile: the folder is not trusted and names code, or a dataset that would have to be loaded.
        PlanError: no such attack, or parameters that it does not take.
        NotApplicable: the attack does not work on this network, or needs images that are not granted.
    """
    catalog = catalog or discover()
    require_vacant(into)
    where = device_called(device)
    require_writable(into.parent, "--into")
    spec, holds = spelled(method, "attack"), _given(given)
    source = spelled(images, "dataset") if images else None
    thief: Attack = catalog.build(Kind.ATTACK, spec.id, spec.parameters)
    release, state = _opened(released, source, network, trust, catalog)
    victim = release.restored(catalog, state, str(released)).to(where)
    structure = release.structure
    host = structure.builder(catalog)
    needs = needs_of(catalog, Kind.ATTACK, spec.id, spec.parameters)
    require_fit(needs, structure.inputs, host.goal)
    thief.check(victim, structure.shape, structure.classes)
    _require_granted(holds, needs, spec.id)
    data = None
    if needs & {Need.DATA, Need.LABELS, Need.MAY_USE_DATA} and not (
        source is None and holds.data in ("none", 0)
    ):
        own, split = (source, release.split) if source else _dataset(release, trust, released)
        if split.reserve == 0 and not _names_source(given):
            holds = replace(holds, source="owner")
            if progress is not None:
                progress.note(TRAINED_ON)
        data = _images(own, split, holds, seed, catalog)
    loot = stolen(
        copy.deepcopy(victim), narrowed(holds, needs), structure.shape, structure.classes, data and data.to(where),
        inputs=structure.inputs, goal=host.goal, terms=tuple(host.terms()),
    )  # fmt: skip
    fitter = Fitter(where, rng_for("attacker fit", seed), progress=progress.step if progress else None)
    with contained(f"attack {spec.label}"), repeatable(), seeded(rng_for("stray", "attacked")):
        suspect = returned(thief.attack(loot, fitter, rng_for("attack", seed)), Suspect, "attack")
    left = replace(release, steps=(*release.steps, Step(qualified(catalog, Kind.ATTACK, spec), seed)))
    with writing(into), appearing(into) as folder:
        changed = type(thief).restore is not Attack.restore
        left.write_with_start(folder, suspect.network.state_dict(), (release, state) if changed else None)
    told = {name: value for name, value in suspect.exhibits.items() if not isinstance(value, Tensor)}
    if host.goal is not Goal.CLASSIFICATION:
        return Attacked(into, told)
    asked = {"before": release.served(catalog, victim), "after": left.served(catalog, suspect.network)}
    tested = source or (release.dataset if trust else None)
    return Attacked(into, told, _accuracies(asked, tested, catalog))


def _require_granted(holds: Given, needs: frozenset[Need], name: str) -> None:
    """The thief holds what the attack needs of access and copies.

    Raises:
        PlanError: everything that is missing.
    """
    problems = list(access_problems(holds, needs - {Need.COPIES}, name))
    if Need.COPIES in needs:
        problems.append(f"attack {name} needs several marked copies of a host; use `ownmark run` for that")
    if problems:
        raise PlanError(problems)


def _opened(
    released: Path, images: Spec | None, network: str | None, trust: bool, catalog: Catalog
) -> tuple[Release, Mapping[str, Tensor]]:
    """The release that is attacked, and its weights."""
    if released.is_dir() and os.path.lexists(released / "model.json"):
        release = Release.read(released)
        own = released.name == "released" and is_mine(released.parent)
        if not (trust or own):
            require_plain(release, catalog, str(released))
        return release, model_state(released)
    if network is None or images is None:
        raise PlanError([
            f"{released}: a file of weights alone; say with --network what they are the weights of, a host as in a "
            "plan ('timm: {name: resnet18}'), and with --images for what data ('npz: {path: mine.npz}')"
        ])  # fmt: skip
    tensors = read_weights(released).tensors
    host, data = spelled(network, "host"), images_of(catalog, images)
    structure = Structure(qualified(catalog, Kind.HOST, host), data.shape, data.classes, inputs=data.inputs)
    return Release(structure, images, Split(reserve=0.0)), tensors


def _accuracies(
    networks: Mapping[str, nn.Module], dataset: Spec | None, catalog: Catalog
) -> dict[str, float]:
    """Share of the dataset's test images that each network calls by their label."""
    if dataset is None:
        return {}
    try:
        test = images_of(catalog, dataset).test
    except OwnmarkError:  # of the folder's own dataset, which the attack itself may do without
        return {}
    if not are_classes(test):
        return {}
    return {
        name: float((predictions(one, test.x).cpu() == test.labels.cpu()).float().mean())
        for name, one in networks.items()
    }


def spelled(method: str, kind: str) -> Spec:
    """A method as a plan writes it.

    Raises:
        PlanError: it is none.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        entry = TypeAdapter(Entry).validate_python(parse(method, kind).data)
    except ValidationError as error:
        example = EXAMPLES[kind]
        raise PlanError([f"expected the {kind} as in a plan, {example}: {shown(method)}"]) from error
    return Spec(entry.id, canonical(entry.params), entry.label or entry.id)


def _given(text: str) -> Given:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Given).validate_python(parse(text, "given").data or {})
    except ValidationError as error:
        fields = ", ".join(to_plain(Given()))
        raise PlanError(
            [f"given: expected some of {fields} as in a plan's `attacker`: {shown(text)}"]
        ) from error


def _names_source(given: str) -> bool:
    """Whether the threat model says which images it grants, itself or by its protocol."""
    said = parse(given, "given").data
    return isinstance(said, str) or (
        isinstance(said, Mapping) and not {"source", "protocol"}.isdisjoint(said)
    )


def _dataset(release: Release, trust: bool, folder: Path) -> tuple[Spec, Split]:
    """The dataset that the folder, or its owner's half beside it, names; and how it is divided."""
    claim = folder.parent / "owner"
    if trust and release.dataset is None and (claim / "claim.json").is_file():
        release = Claim.read(claim).origin(release)
    if not trust or release.dataset is None:
        own = "" if trust else ", or add --trust if the folder is your own"
        raise UntrustedFile(
            f"{folder}: the attack uses images, and a folder from elsewhere does not choose which are loaded; name "
            f"your own with --images{own}"
        )
    return release.dataset, release.split


def _images(dataset: Spec, split: Split, given: Given, seed: int, catalog: Catalog) -> Samples | None:
    """In-distribution images of a dataset, as the plan's runner grants them."""
    if given.transfer:
        raise NotApplicable(
            "`transfer` images come from a plan's `transfer` dataset; use `ownmark run` for that"
        )
    return granted(divide(images_of(catalog, dataset), split), given, rng_for("granted", seed))
