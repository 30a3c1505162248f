"""Everything that can be known to be wrong with a plan before anything is trained, all of it at once.

`check_methods` reads declarations and parameters, `check_fit` loads the data and builds untrained networks;
`preflight` does both, leaving out of the second what the first has found to be broken. Code that the plan names (a host
or a dataset of the user's, objects for Lightning) is imported, and data are fetched, only once nothing else is wrong.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ownmark.contracts.tasks import require_fit
from ownmark.discovery import Catalog
from ownmark.discovery.requirements import unmet
from ownmark.errors import NotApplicable, OwnmarkError, PlanError, blamed
from ownmark.importing import named
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.asking import OF_ANSWERS, fits_goal
from ownmark.runner.beside import looked_for, placed
from ownmark.runner.cell import Spec, TaskSpec, specs, tasks
from ownmark.runner.fitting import Fitting, Misfit, Place
from ownmark.runner.granting import access_problems
from ownmark.runner.judging import FED
from ownmark.runner.making import Making
from ownmark.runner.plan import ENTRIES, METRICS, POINTS, RESERVES, Entry, Given, Plan, Split, TaskEntry
from ownmark.runner.plan import given as given_to
from ownmark.runner.resolve import needs_of, waits
from ownmark.runner.splits import Splits, amount, transferable
from ownmark.runner.yamlfile import Document

Found = tuple[Place, str]

_IMPORTABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_KEYWORDS = {Kind.ATTACK: "none", Kind.EXTRACTOR: "default"}


def preflight(plan: Plan, document: Document, catalog: Catalog, making: Making) -> list[str]:
    """All problems of a plan, in the order of the file, each with file and line."""
    found = list(_of_methods(plan, catalog, document.folder))
    broken = {place for place, _ in found}
    code = naming_code(plan, catalog)
    found += _of_fit(plan, making, broken, code)
    if code and not found:
        found += _of_data(plan, catalog, code, document.folder)
    if code and not found:
        found += _of_fit(plan, making, ())
    if not found:
        found += _of_lightning(plan)
    return _sentences(document, found)


def check_entries(document: Document, catalog: Catalog) -> list[str]:
    """Problems of the methods in a plan that cannot be read as a whole: of every entry that can be read by itself."""
    found: list[Found] = []
    points = 0
    for kind, place, entry in _readable(document.data):
        points += entry.points
        if points > POINTS:
            break
        found += [(place, problem) for problem in _entry_problems(catalog, kind, entry, document.folder)]
    return _sentences(document, found)


_SECTIONS = {
    "datasets": Kind.DATASET, "hosts": Kind.HOST, "schemes": Kind.SCHEME, "attacks": Kind.ATTACK,
    "extractors": Kind.EXTRACTOR, "metrics": Kind.METRIC, "transfer": Kind.DATASET,
}  # fmt: skip


def _readable(data: Any) -> Iterator[tuple[Kind, Place, Entry]]:
    given = data if isinstance(data, dict) else {}
    listed: list[tuple[Kind, Place, Any]] = []
    for position, task in enumerate(_as_list(given.get("tasks"))):
        for part, kind in (("dataset", Kind.DATASET), ("host", Kind.HOST)):
            if isinstance(task, dict) and part in task:
                listed.append((kind, ("tasks", position, part), task[part]))
    for name, kind in _SECTIONS.items():
        listed += [(kind, (name, position), one) for position, one in enumerate(_as_list(given.get(name)))]
    for kind, place, value in listed:
        with suppress(ValidationError):
            yield kind, place, TypeAdapter(Entry).validate_python(value)


def _as_list(value: Any) -> list[Any]:
    return value[:ENTRIES] if isinstance(value, list) else [] if value is None else [value]


def check_methods(plan: Plan, document: Document, catalog: Catalog) -> list[str]:
    """Problems of names, parameters, data files and threat models; loads no data and builds no network."""
    return _sentences(document, _of_methods(plan, catalog, document.folder))


def check_fit(plan: Plan, document: Document, making: Making) -> list[str]:
    """Problems of schemes, attacks and extractors with these hosts and these data: capacity, layers, amounts."""
    return _sentences(document, _of_fit(plan, making, ()))


def _sentences(document: Document, found: Iterable[Found]) -> list[str]:
    ordered = sorted(found, key=lambda one: document.line(one[0]))
    return list(dict.fromkeys(f"{document.where(place)}: {problem}" for place, problem in ordered))


# --- names, parameters, threat models -------------------------------------------------------------------------------


def _of_methods(plan: Plan, catalog: Catalog, folder: Path | None) -> Iterator[Found]:
    for kind, place, entry in _entries(plan):
        yield from ((place, problem) for problem in _entry_problems(catalog, kind, entry, folder, plan.split))
    for position, entry in enumerate(plan.attacks):
        yield from ((("attacks", position), problem) for problem in _threat_problems(plan, entry, catalog))
    for position, requirement in enumerate(plan.requires):
        if (problem := unmet(requirement, catalog.version)) is not None:
            yield ("requires", position), problem
    yield from _meant_for_nobody(plan)
    yield from _uncontrolled(plan)
    yield from _like_named(plan)
    for place, entry in _lightning(plan):
        if not _IMPORTABLE.fullmatch(entry.id):
            yield place, f"{entry.id!r}: write it as package.module:Class"
        elif not _installed(entry.id.partition(".")[0].partition(":")[0]):
            yield place, f"cannot make {entry.id!r}: ModuleNotFoundError: there is no such package"


def _entries(plan: Plan) -> Iterator[tuple[Kind, Place, Entry]]:
    """Every method that the plan names, with where it stands."""
    for i, task in enumerate(plan.tasks):
        yield Kind.DATASET, ("tasks", i, "dataset"), task.dataset
        yield Kind.HOST, ("tasks", i, "host"), task.host
    sections: list[tuple[str, Kind, Iterable[Entry]]] = [
        ("datasets", Kind.DATASET, plan.datasets), ("hosts", Kind.HOST, plan.hosts),
        ("schemes", Kind.SCHEME, plan.schemes), ("attacks", Kind.ATTACK, plan.attacks),
        ("extractors", Kind.EXTRACTOR, plan.extractors), ("metrics", Kind.METRIC, plan.metrics),
    ]  # fmt: skip
    for name, kind, entries in sections:
        yield from ((kind, (name, i), entry) for i, entry in enumerate(entries))
    for i, entry in enumerate(plan.verdict.nulls.hosts):
        yield Kind.HOST, ("verdict", "nulls", "hosts", i), entry
    if plan.transfer is not None:
        yield Kind.DATASET, ("transfer",), plan.transfer


def naming_code(plan: Plan, catalog: Catalog) -> set[Place]:
    """Entries whose parameters name code, or data to be fetched, or cannot be read; methods nested in them included."""
    found: set[Place] = set()
    for kind, place, entry in _entries(plan):
        if entry.id == _KEYWORDS.get(kind):
            continue
        try:
            if any(waits(catalog, kind, spec.id, spec.parameters) for spec in specs(entry)):
                found.add(place)
        except OwnmarkError:
            found.add(place)
    return found


def _of_data(plan: Plan, catalog: Catalog, code: Collection[Place], folder: Path | None) -> Iterator[Found]:
    """Checks of datasets that name code, or are fetched, which `_of_methods` left out."""
    for kind, place, entry in _entries(plan):
        if kind is Kind.DATASET and place in code:
            for spec in specs(entry):
                yield from ((place, problem) for problem in _data_problems(catalog, spec, folder))


def _entry_problems(
    catalog: Catalog, kind: Kind, entry: Entry, folder: Path | None, split: Split | None = None
) -> Iterator[str]:
    if entry.given and kind is not Kind.ATTACK:
        yield f"`given` is for attacks, and {entry.id} is none"
    if entry.schemes and kind not in (Kind.ATTACK, Kind.SCHEME):
        yield f"`for` is for attacks and schemes, and {entry.id} is neither"
    if entry.id == _KEYWORDS.get(kind):
        if entry.params or entry.sweep:
            yield f"{entry.id!r} takes no parameters"
        return
    try:
        for spec in specs(entry):
            declaration, _, problems = catalog.validate(kind, spec.id, spec.parameters)
            yield from problems
            if not problems and kind is Kind.DATASET and not waits(catalog, kind, spec.id, spec.parameters):
                yield from _data_problems(catalog, spec, folder)
            if kind is Kind.SCHEME:
                catalog.default_extractor(declaration)
                if not problems and split is not None:
                    yield from _unseen_problems(split, spec, catalog)
            if kind is Kind.METRIC and not declaration.needs & FED:
                yield f"metric {spec.id} takes nothing that this runner measures: {', '.join(map(str, FED))}"
    except PlanError as error:
        yield from error.problems
    except OwnmarkError as error:
        yield str(error)


def _unseen_problems(split: Split, spec: Spec, catalog: Catalog) -> Iterator[str]:
    if not split.unseen and Need.UNSEEN in needs_of(catalog, Kind.SCHEME, spec.id, spec.parameters):
        yield (
            f"scheme {spec.id} needs images that no host was trained on; set split.unseen to the share of the training "
            "images that is kept for it, such as 0.1"
        )


def _data_problems(catalog: Catalog, spec: Spec, folder: Path | None) -> Iterator[str]:
    """What a dataset's own check says, and where else its files were looked for."""
    where = (catalog, Kind.DATASET, spec.id, spec.parameters, folder)
    try:
        with blamed(f"check of dataset {spec.label}", catalog.whose(catalog.find(Kind.DATASET, spec.id))):
            catalog.build(Kind.DATASET, spec.id, placed(*where)).check()
    except PlanError:
        raise
    except OwnmarkError as error:
        yield f"{error}{looked_for(*where)}"


def _threat_problems(plan: Plan, entry: Entry, catalog: Catalog) -> Iterator[str]:
    """What the attack needs and the plan does not grant."""
    try:
        given = given_to(plan, entry)
    except PlanError as error:
        yield from error.problems
        return
    none = given.data in ("none", 0)
    if given.transfer and plan.transfer is None:
        yield f"{entry.id} is given {given.transfer} transfer images, but the plan names no `transfer` dataset"
    if given.source == "disjoint" and not none and plan.split.reserve == 0:
        yield "attacker.source is `disjoint`, but split.reserve is 0; reserve a share, or use `source: owner`"
    reserve = RESERVES.get(given.protocol, plan.split.reserve)
    if entry.id != "none" and plan.split.reserve != reserve:
        yield (
            f"protocol {given.protocol} reserves {reserve:g} of the training images for attackers, split.reserve is "
            f"{plan.split.reserve:g}; leave that out"
        )
    needs = _needs(catalog, entry)
    if entry.id != "none":
        yield from access_problems(given, needs, entry.id)
    if Need.LABELS in needs and (none or not given.labels):
        yield f"attack {entry.id} needs labelled images; set attacker.data and attacker.labels: true"
    elif Need.DATA in needs and none and not given.transfer:
        yield f"attack {entry.id} needs images, but its attacker is given none; set attacker.data or attacker.transfer"


def _needs(catalog: Catalog, entry: Entry) -> frozenset[Need]:
    """What any of the entry's attacks needs, attacks nested in it included; nothing if that cannot be told."""
    if entry.id == "none":
        return frozenset()
    try:
        found = (needs_of(catalog, Kind.ATTACK, spec.id, spec.parameters) for spec in specs(entry))
        return frozenset().union(*found)
    except OwnmarkError:
        return frozenset()


def _meant_for_nobody(plan: Plan) -> Iterator[Found]:
    """Attacks `for` a scheme, and schemes `for` a task, that the plan does not have."""
    marks = {name for entry in plan.schemes for scheme in specs(entry) for name in scheme.names}
    goals = {name for _, task in _tasks(plan) for name in task.names}
    for section, entries, what, known in (
        ("attacks", plan.attacks, "scheme", marks), ("schemes", plan.schemes, "task", goals),
    ):  # fmt: skip
        for position, entry in enumerate(entries):
            for name in sorted(set(entry.schemes) - known):
                yield (section, position), f"`for: {name}`, but no {what} of this plan is called {name!r}"


def _uncontrolled(plan: Plan) -> Iterator[Found]:
    """Names among the controls that no attack of the plan has, and attacks that control themselves."""
    known = {spec.label for entry in plan.attacks for spec in specs(entry)}
    for attack, control in plan.controls.items():
        for name in sorted({attack, control} - known):
            near = ", ".join(get_close_matches(name, sorted(known), 1)) or ", ".join(sorted(known - {"none"}))
            yield ("controls",), f"no attack of this plan is called {name!r}; there is {near}"
        if attack == control:
            yield ("controls",), f"{attack!r} is its own control; name another attack with the same budget"


def _like_named(plan: Plan) -> Iterator[Found]:
    """Entries that differ and would have the same name in records and report: attacks, on one scheme."""
    names: dict[tuple[str, ...], dict[Any, Place]] = defaultdict(dict)
    for (*_, place), task in _tasks(plan):
        names["tasks", task.label, ""].setdefault(task, place)
    sections = {
        "schemes": plan.schemes, "attacks": plan.attacks, "extractors": plan.extractors, "metrics": plan.metrics,
    }  # fmt: skip
    marks = [scheme for entry in plan.schemes for scheme in specs(entry)]
    for section, entries in sections.items():
        for position, entry in enumerate(entries):
            faced = [mark.label for mark in marks if entry.meant_for(mark.names)]
            faced = faced if section == "attacks" else list(entry.schemes or [""])
            for spec, mark in itertools.product(specs(entry), faced):
                names[section, spec.label, mark].setdefault((spec, str(entry.given)), (section, position))
    for (section, label, _), places in names.items():
        for place in list(places.values())[1:]:
            yield (
                place,
                f"two {section} are called {label!r}; name one of them with `as: another name`{_where(section)}",
            )


def _where(section: str) -> str:
    """What may be named, where that is not the entry itself."""
    return (
        ", beside its dataset or host: `dataset: {digits: {}, as: another name}`"
        if section == "tasks"
        else ""
    )


def _tasks(plan: Plan) -> Iterator[tuple[tuple[Place, ...], TaskSpec]]:
    """Tasks, each with the places it is made from."""
    for i, entry in enumerate(plan.tasks):
        yield from (((("tasks", i),), task) for task in tasks([entry]))
    for i, dataset in enumerate(plan.datasets):
        for j, host in enumerate(plan.hosts):
            pair = TaskEntry(dataset=dataset, host=host)
            yield from (((("datasets", i), ("hosts", j)), task) for task in tasks([pair]))


# --- Lightning's objects --------------------------------------------------------------------------------------------


def _lightning(plan: Plan) -> Iterator[tuple[Place, Entry]]:
    yield from ((("trainer", "callbacks", i), entry) for i, entry in enumerate(plan.trainer.callbacks))
    if plan.trainer.logger is not None:
        yield ("trainer", "logger"), plan.trainer.logger


def _installed(package: str) -> bool:
    """Whether a top-level package can be found; imports nothing."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _of_lightning(plan: Plan) -> Iterator[Found]:
    """Objects for Lightning that cannot be made; this imports and runs what the plan names."""
    for place, entry in _lightning(plan):
        yield from ((place, problem) for problem in _import_problems(entry))


def _import_problems(entry: Entry) -> Iterator[str]:
    try:
        instantiate(entry)
    except PlanError as error:
        yield from error.problems
    except Exception as error:
        yield f"cannot make {entry.id!r}: {type(error).__name__}: {error}"


def instantiate(entry: Entry) -> Any:
    """The user's Lightning object `package.module:Class` with the entry's parameters."""
    if not entry.id.partition(":")[2]:
        raise PlanError([f"{entry.id!r}: write it as package.module:Class"])
    return named(entry.id)(**entry.params)


def trainer_options(plan: Plan) -> dict[str, Any]:
    """Keyword arguments for `Fitter`: a logger for the stage, and callbacks made anew for each training in it."""
    logger = instantiate(plan.trainer.logger) if plan.trainer.logger else None
    return {
        "callbacks": lambda: tuple(instantiate(entry) for entry in plan.trainer.callbacks),
        "logger": logger,
    }


# --- hosts and data -------------------------------------------------------------------------------------------------


def _of_fit(
    plan: Plan, making: Making, broken: Collection[Place], code: Collection[Place] = ()
) -> Iterator[Found]:
    """Problems of methods with hosts and data, leaving out entries that are broken in themselves.

    Args:
        code: entries that name code, which are not built; what needs no network is checked all the same.
    """
    unbuilt = set(code) - set(broken)
    fitting, every_task = Fitting(), not any(_among(places, unbuilt) for places, _ in _tasks(plan))
    for places, task in _tasks(plan):
        if _among(places, broken) or _among(places, {one for one in code if _is_dataset(one)}):
            continue
        try:
            making.tasks.splits(task.dataset)
            network = None
            if not _among(places, code):
                making.tasks.require_learnable(task)
                network = making.tasks.blank(task)
        except OwnmarkError as error:
            yield places[-1], f"task {task.label}: {error}"
            continue
        if network is not None:
            yield from _misfits(plan, making, task, network, {*broken, *code}, fitting)
        yield from _amount_problems(
            plan, making, task, {*broken, *(one for one in code if one == ("transfer",))}
        )
    if every_task:
        making.misfits.add(fitting.gaps())
        yield from ((place, _said(one)) for place, one in fitting.mistakes())
    yield from _unmakeable(plan, making, {*broken, *code})


def _among(places: Iterable[Place], entries: Collection[Place]) -> bool:
    return any(place == one[: len(place)] for one in entries for place in places)


def _is_dataset(place: Place) -> bool:
    return "datasets" in place or "dataset" in place


def _misfits(
    plan: Plan, making: Making, task: TaskSpec, network: Any, skipped: Collection[Place], fitting: Fitting
) -> Iterator[Found]:
    """Checks of schemes and attacks that break off; what does not fit the task's network goes into `fitting`."""
    for where, kind, entry in _placed(plan):
        if where in skipped or (kind is Kind.SCHEME and not entry.meant_for(task.names)):
            continue
        for spec in specs(entry):
            try:
                fitting.tried(where, kind, spec)
                _check_fit(making, kind, spec, network, task)
            except NotApplicable as error:
                fitting.misfit(where, Misfit(kind, spec, task, str(error)))
            except OwnmarkError as error:
                yield where, f"{kind} {spec.label} on {task.label}: {error}"


def _placed(plan: Plan) -> Iterator[tuple[Place, Kind, Entry]]:
    for kind, place, entry in _entries(plan):
        if (
            kind is Kind.METRIC and plan.metrics == METRICS
        ):  # nobody chose them: where they do not fit, none is taken
            continue
        if kind in _FITTED and entry.id != _KEYWORDS.get(kind):
            yield place, kind, entry


_FITTED = (Kind.SCHEME, Kind.ATTACK, Kind.EXTRACTOR, Kind.METRIC)


def _check_fit(making: Making, kind: Kind, spec: Spec, network: Any, task: TaskSpec) -> None:
    if kind in (Kind.METRIC, Kind.EXTRACTOR):
        _require_read(making, making.methods.catalog.find(kind, spec.id), task)
        return
    method, splits = making.methods.get(kind, spec), making.tasks.splits(task.dataset)
    require_fit(method.needed, splits.inputs, making.tasks.goal(task))
    with blamed("its check", method.pack):
        if kind is Kind.SCHEME:
            method.instance.check(network, making.tasks.task(task, spec).bare())
        else:
            method.instance.check(network, splits.shape, splits.classes)


def _require_read(making: Making, method: Declaration, task: TaskSpec) -> None:
    """An extractor is for such tasks; a metric judges what the task's networks answer, or looks at no answers."""
    if method.kind is Kind.EXTRACTOR:
        require_fit(method.demands, making.tasks.splits(task.dataset).inputs, making.tasks.goal(task))
    elif not fits_goal(method.needs, making.tasks.goal(task)):
        wanted = " or ".join(sorted(map(str, method.needs & OF_ANSWERS)))
        raise NotApplicable(f"it judges {wanted}, and the task's goal is {making.tasks.goal(task)}")


def _said(misfit: Misfit) -> str:
    return f"{misfit.kind} {misfit.spec.label} on {misfit.task.label}: {misfit.message}"


def _amount_problems(
    plan: Plan, making: Making, task: TaskSpec, broken: Collection[Place]
) -> Iterator[Found]:
    splits = making.tasks.splits(task.dataset)
    for position, entry in enumerate(plan.attacks):
        place = ("attacks", position)
        if place in broken:
            continue
        given = given_to(plan, entry)
        source = splits.owner if given.source == "owner" else splits.pool
        try:
            count = amount(given, len(source), len(splits.owner))
        except OwnmarkError as error:
            yield place, f"{entry.id} on {task.label}: {error}"
            continue
        needs = _needs(making.methods.catalog, entry)
        if (
            count == 0
            and given.data != "none"
            and (Need.LABELS in needs or (Need.DATA in needs and not given.transfer))
        ):
            yield place, f"{entry.id} on {task.label}: {given.data} of {len(splits.owner)} images is none"
        if given.transfer and ("transfer",) not in broken:
            yield from (
                (place, f"{entry.id}: {problem}") for problem in _transfer_problems(making, given, splits)
            )


def _transfer_problems(making: Making, given: Given, splits: Splits) -> Iterator[str]:
    if making.transfer is None:
        return
    try:
        images = making.methods.images(making.transfer)
    except OwnmarkError as error:
        yield f"transfer images: {error}"
        return
    if given.transfer > len(images.train):
        yield f"it is given {given.transfer} transfer images, and {making.transfer.label} has {len(images.train)}"
    if problem := transferable(images, splits.shape, splits.inputs):
        yield problem


def _unmakeable(plan: Plan, making: Making, broken: Collection[Place]) -> Iterator[Found]:
    """Extractors and metrics whose class cannot be imported or made."""
    for i, scheme_entry in enumerate(plan.schemes):
        for j, entry in enumerate(plan.extractors):
            if ("schemes", i) in broken or ("extractors", j) in broken:
                continue
            for scheme, spec in ((s, e) for s in specs(scheme_entry) for e in specs(entry)):
                try:
                    making.methods.extractor_of(scheme, None if entry.id == "default" else spec)
                except OwnmarkError as error:
                    place: Place = ("schemes", i) if entry.id == "default" else ("extractors", j)
                    yield place, str(error)
    for i, entry in enumerate(plan.metrics):
        if ("metrics", i) not in broken:
            for spec in specs(entry):
                try:
                    making.methods.get(Kind.METRIC, spec)
                except OwnmarkError as error:
                    yield ("metrics", i), str(error)
