"""Checks of plans that a pack brings: structure, names and parameters; no data are needed."""

from __future__ import annotations

from collections.abc import Iterator

from ownmark.discovery.problems import Lacking
from ownmark.errors import OwnmarkError, PlanError
from ownmark.methods import Kind
from ownmark.runner.cell import expand, specs
from ownmark.runner.plan import Entry, Plan, parse_plan
from ownmark.runner.session import named_plan
from ownmark.testing.check import CheckFailed, CheckSkipped, check, require
from ownmark.testing.subject import Subject

_KEYWORDS = {"none", "default"}


def _parsed(subject: Subject) -> Plan:
    try:
        return parse_plan(named_plan(subject.declaration.target), f"{subject.declaration.id}.yaml")[0]
    except (OSError, ImportError) as error:
        raise CheckFailed(
            f"{subject.label}: {subject.declaration.target!r} cannot be read ({error}); write 'package:plan.yaml', and "
            "let the wheel contain the file"
        ) from error


@check(Kind.PLAN)
def plan_is_well_formed(subject: Subject) -> None:
    """The file is there, is a plan, and has cells."""
    try:
        cells = expand(_parsed(subject))
    except PlanError as error:
        raise CheckFailed(f"{subject.label}: {error}") from error
    require(cells, f"{subject.label} has no cells")


def _entries(plan: Plan) -> Iterator[tuple[Kind, Entry]]:
    for task in plan.all_tasks():
        yield from ((Kind.DATASET, task.dataset), (Kind.HOST, task.host))
    listed = {
        Kind.SCHEME: plan.schemes, Kind.ATTACK: plan.attacks,
        Kind.EXTRACTOR: plan.extractors, Kind.METRIC: plan.metrics,
    }  # fmt: skip
    yield from ((kind, entry) for kind, entries in listed.items() for entry in entries)


def _problems(subject: Subject, kind: Kind, entry: Entry) -> Iterator[str]:
    catalog, home = subject.catalog, subject.declaration.distribution
    try:
        for spec in specs(entry):
            yield from catalog.validate(kind, spec.id, spec.parameters, home=home).problems
    except OwnmarkError as error:
        yield str(error)


@check(Kind.PLAN)
def plan_names_known_methods(subject: Subject) -> None:
    """Every method it names is known and takes the parameters it gives; one whose extra is missing is no fault."""
    try:
        plan = _parsed(subject)
    except PlanError as error:
        raise CheckSkipped("it is no plan") from error
    wanted = [(kind, entry) for kind, entry in _entries(plan) if entry.id not in _KEYWORDS]
    found = dict.fromkeys(problem for kind, entry in wanted for problem in _problems(subject, kind, entry))
    lacking = [problem for problem in found if isinstance(problem, Lacking)]
    faults = [problem for problem in found if problem not in lacking]
    require(not faults, f"{subject.label}: {'; '.join(faults)}")
    if lacking:
        raise CheckSkipped("; ".join(lacking))
