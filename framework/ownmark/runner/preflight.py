"""Everything that can be known to be wrong with a plan before anything is trained, all of it at once."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from ownmark.config import to_plain
from ownmark.contracts.samples import Samples
from ownmark.contracts.views import Task
from ownmark.discovery import Catalog
from ownmark.errors import OwnmarkError, PlanError
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Spec, TaskSpec, specs, tasks
from ownmark.runner.making import Making
from ownmark.runner.plan import Entry, Given, Plan
from ownmark.runner.splits import amount
from ownmark.runner.yamlfile import Document

_KEYWORDS = {Kind.ATTACK: "none", Kind.EXTRACTOR: "default"}


def check_methods(plan: Plan, document: Document, catalog: Catalog) -> list[str]:
    """Problems of names, parameters, data files and threat models; imports no method."""
    problems = []
    for kind, path, entry in _entries(plan):
        where = document.where(path)
        problems += [f"{where}: {problem}" for problem in _entry_problems(catalog, kind, entry)]
    for position, entry in enumerate(plan.attacks):
        where = document.where(("attacks", position))
        problems += [f"{where}: {problem}" for problem in _threat_problems(plan, entry, catalog)]
    for name, entry in _lightning(plan):
        problems += [f"{document.where(('trainer', name))}: {problem}" for problem in _import_problems(entry)]
    return problems


def check_fit(plan: Plan, document: Document, making: Making) -> list[str]:
    """Problems of schemes and attacks with these hosts and these data: capacity, layers, norms, amounts."""
    problems = []
    for task in tasks(plan.all_tasks()):
        try:
            network = making.blank(task)
            splits = making.splits(task.dataset)
        except OwnmarkError as error:
            problems.append(f"{document.name}: task {task.label}: {error}")
            continue
        empty = Samples(splits.owner.x[:0], splits.owner.labels[:0])
        about = Task(task.label, splits.shape, splits.classes, empty)
        for place, kind, entry in _placed(plan):
            for spec in specs(entry):
                prefix = f"{document.where(place)}: {kind} {spec.label} on {task.label}"
                problems += [f"{prefix}: {p}" for p in _misfit(making, kind, spec, network, about)]
        problems += _amount_problems(plan, document, making, task)
    return problems


def _placed(plan: Plan) -> Iterator[tuple[tuple[str, int], Kind, Entry]]:
    yield from ((("schemes", i), Kind.SCHEME, entry) for i, entry in enumerate(plan.schemes))
    yield from (
        (("attacks", i), Kind.ATTACK, entry) for i, entry in enumerate(plan.attacks) if entry.id != "none"
    )


def _misfit(making: Making, kind: Kind, spec: Spec, network: Any, task: Task) -> Iterator[str]:
    try:
        method = making.methods.get(kind, spec)
        if kind is Kind.SCHEME:
            method.instance.check(network, task)
        else:
            method.instance.check(network, task.shape, task.classes)
    except OwnmarkError as error:
        yield str(error)


def _amount_problems(plan: Plan, document: Document, making: Making, task: TaskSpec) -> Iterator[str]:
    splits = making.splits(task.dataset)
    for position, entry in enumerate(plan.attacks):
        given = Given(**(to_plain(plan.attacker) | entry.given))
        source = splits.owner if given.source == "owner" else splits.pool
        try:
            amount(given, len(source), len(splits.owner))
        except OwnmarkError as error:
            yield f"{document.where(('attacks', position))}: {entry.id} on {task.label}: {error}"


def _entries(plan: Plan) -> Iterator[tuple[Kind, tuple[str | int, ...], Entry]]:
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
    if plan.transfer is not None:
        yield Kind.DATASET, ("transfer",), plan.transfer


def _entry_problems(catalog: Catalog, kind: Kind, entry: Entry) -> Iterator[str]:
    if entry.id == _KEYWORDS.get(kind):
        return
    try:
        for spec in specs(entry):
            declaration, _, problems = catalog.validate(kind, spec.id, spec.parameters)
            yield from problems
            if problems:
                return
        if kind is Kind.DATASET:
            for spec in specs(entry):
                catalog.build(kind, spec.id, spec.parameters).check()
        if kind is Kind.SCHEME:
            catalog.default_extractor(declaration)
    except PlanError as error:
        yield from error.problems
    except OwnmarkError as error:
        yield str(error)


def _threat_problems(plan: Plan, entry: Entry, catalog: Catalog) -> Iterator[str]:
    """What the attack needs and the plan does not grant."""
    try:
        given = Given(**(to_plain(plan.attacker) | entry.given))
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()
        yield f"`given` of {entry.id}: {'; '.join(line.strip() for line in reason[1:3]) or reason[0]}"
        return
    if given.transfer and plan.transfer is None:
        yield f"{entry.id} is given {given.transfer} transfer images, but the plan names no `transfer` dataset"
    if given.source == "disjoint" and given.data != "none" and plan.split.reserve == 0:
        yield "attacker.source is `disjoint`, but split.reserve is 0; reserve a share, or use `source: owner`"
    try:
        needs = catalog.find(Kind.ATTACK, entry.id).needs if entry.id != "none" else frozenset()
    except OwnmarkError:
        return
    if Need.DATA in needs and given.data == "none" and not given.transfer:
        yield f"attack {entry.id} needs images, but its attacker is given none; set attacker.data or attacker.transfer"
    if Need.LABELS in needs and (given.data == "none" or not given.labels):
        yield f"attack {entry.id} needs labelled images; set attacker.data and attacker.labels: true"


def _lightning(plan: Plan) -> Iterator[tuple[str, Entry]]:
    yield from (("callbacks", entry) for entry in plan.trainer.callbacks)
    if plan.trainer.logger is not None:
        yield "logger", plan.trainer.logger


def _import_problems(entry: Entry) -> Iterator[str]:
    try:
        instantiate(entry)
    except Exception as error:
        yield f"cannot make {entry.id!r}: {type(error).__name__}: {error}"


def instantiate(entry: Entry) -> Any:
    """The user's Lightning object `package.module:Class` with the entry's parameters."""
    module, _, name = entry.id.partition(":")
    if not name:
        raise PlanError([f"{entry.id!r}: write it as package.module:Class"])
    return getattr(importlib.import_module(module), name)(**entry.params)


def trainer_options(plan: Plan) -> dict[str, Any]:
    """Keyword arguments for `Fitter`: fresh callbacks and logger for each training."""
    logger = instantiate(plan.trainer.logger) if plan.trainer.logger else None
    return {"callbacks": tuple(instantiate(entry) for entry in plan.trainer.callbacks), "logger": logger}
