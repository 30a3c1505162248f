"""Problems of methods with hosts and data, whose networks are built for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ownmark.contracts.tasks import require_fit
from ownmark.errors import NotApplicable, OwnmarkError, blamed
from ownmark.methods import Declaration, Kind
from ownmark.runner.asking import OF_ANSWERS, fits_goal
from ownmark.runner.cell import Spec, TaskSpec, specs
from ownmark.runner.fitting import Fitting, Misfit, Place
from ownmark.runner.making import Making
from ownmark.runner.plan import METRICS, Entry, Plan
from ownmark.runner.preflight.amounts import amount_problems
from ownmark.runner.preflight.walking import KEYWORDS, Found, entries, placed_tasks

_FITTED = (Kind.SCHEME, Kind.ATTACK, Kind.EXTRACTOR, Kind.METRIC)


def of_fit(
    plan: Plan, making: Making, broken: Collection[Place], code: Collection[Place] = ()
) -> Iterator[Found]:
    """Problems of methods with hosts and data, leaving out entries that are broken in themselves.

    Args:
        code: entries that name code, which are not built; what needs no network is checked all the same.
    """
    unbuilt = set(code) - set(broken)
    fitting, every_task = Fitting(), not any(_among(places, unbuilt) for places, _ in placed_tasks(plan))
    for places, task in placed_tasks(plan):
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
        yield from amount_problems(
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
    for kind, place, entry in entries(plan):
        if (
            kind is Kind.METRIC and plan.metrics == METRICS
        ):  # nobody chose them: where they do not fit, none is taken
            continue
        if kind in _FITTED and entry.id != KEYWORDS.get(kind):
            yield place, kind, entry


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
