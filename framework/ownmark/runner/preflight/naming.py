"""Problems of names that a plan gives: to what is not there, and the same twice."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from ownmark.runner.cell import specs
from ownmark.runner.fitting import Place
from ownmark.runner.plan import Plan
from ownmark.runner.preflight.walking import Found, placed_tasks


def meant_for_nobody(plan: Plan) -> Iterator[Found]:
    """Attacks `for` a scheme, and schemes `for` a task, that the plan does not have."""
    marks = {name for entry in plan.schemes for scheme in specs(entry) for name in scheme.names}
    goals = {name for _, task in placed_tasks(plan) for name in task.names}
    for section, entries, what, known in (
        ("attacks", plan.attacks, "scheme", marks), ("schemes", plan.schemes, "task", goals),
    ):  # fmt: skip
        for position, entry in enumerate(entries):
            for name in sorted(set(entry.schemes) - known):
                yield (section, position), f"`for: {name}`, but no {what} of this plan is called {name!r}"


def uncontrolled(plan: Plan) -> Iterator[Found]:
    """Names among the controls that no attack of the plan has, and attacks that control themselves."""
    known = {spec.label for entry in plan.attacks for spec in specs(entry)}
    for attack, control in plan.controls.items():
        for name in sorted({attack, control} - known):
            near = ", ".join(get_close_matches(name, sorted(known), 1)) or ", ".join(sorted(known - {"none"}))
            yield ("controls",), f"no attack of this plan is called {name!r}; there is {near}"
        if attack == control:
            yield ("controls",), f"{attack!r} is its own control; name another attack with the same budget"


def like_named(plan: Plan) -> Iterator[Found]:
    """Entries that differ and would have the same name in records and report: attacks, on one scheme."""
    names: dict[tuple[str, ...], dict[Any, Place]] = defaultdict(dict)
    for (*_, place), task in placed_tasks(plan):
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
