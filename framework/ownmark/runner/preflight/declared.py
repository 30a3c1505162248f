"""Problems of names, parameters, data files and threat models: what declarations say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from ownmark.discovery import Catalog
from ownmark.discovery.requirements import unmet
from ownmark.errors import OwnmarkError, PlanError, blamed
from ownmark.methods import Kind, Need
from ownmark.runner.beside import looked_for, placed
from ownmark.runner.cell import Spec, specs
from ownmark.runner.decoys import fewest_decoys
from ownmark.runner.fitting import Place
from ownmark.runner.granting import access_problems
from ownmark.runner.judging import FED
from ownmark.runner.plan import RESERVES, Entry, Plan, Split
from ownmark.runner.plan import given as given_to
from ownmark.runner.preflight.naming import like_named, meant_for_nobody, uncontrolled
from ownmark.runner.preflight.objects import installed, lightning
from ownmark.runner.preflight.walking import KEYWORDS, Found, entries, needs_of_entry
from ownmark.runner.resolve import needs_of, waits

_IMPORTABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def of_methods(plan: Plan, catalog: Catalog, folder: Path | None) -> Iterator[Found]:
    """All problems that need neither data nor networks, each with its place."""
    for kind, place, entry in entries(plan):
        yield from ((place, problem) for problem in entry_problems(catalog, kind, entry, folder, plan.split))
    for position, entry in enumerate(plan.attacks):
        yield from ((("attacks", position), problem) for problem in _threat_problems(plan, entry, catalog))
    for position, requirement in enumerate(plan.requires):
        if (problem := unmet(requirement, catalog.version)) is not None:
            yield ("requires", position), problem
    yield from _decoy_problems(plan)
    yield from meant_for_nobody(plan)
    yield from uncontrolled(plan)
    yield from like_named(plan)
    for place, entry in lightning(plan):
        if not _IMPORTABLE.fullmatch(entry.id):
            yield place, f"{entry.id!r}: write it as package.module:Class"
        elif not installed(entry.id.partition(".")[0].partition(":")[0]):
            yield place, f"cannot make {entry.id!r}: ModuleNotFoundError: there is no such package"


def _decoy_problems(plan: Plan) -> Iterator[Found]:
    """So few decoys that not even a whole mark could be claimed."""
    rule, least = plan.verdict, fewest_decoys(plan.verdict.rate)
    if rule.tests != "nulls" and rule.decoys is not None and rule.decoys < least:
        yield (
            ("verdict", "decoys"),
            f"with {rule.decoys} decoys nothing can be claimed at a rate of {rule.rate:g}: it takes {least}; leave "
            "verdict.decoys out, or raise it or verdict.rate",
        )


def entry_problems(
    catalog: Catalog, kind: Kind, entry: Entry, folder: Path | None, split: Split | None = None
) -> Iterator[str]:
    """What is wrong with one entry: its method, its parameters, its files."""
    if entry.given and kind is not Kind.ATTACK:
        yield f"`given` is for attacks, and {entry.id} is none"
    if entry.schemes and kind not in (Kind.ATTACK, Kind.SCHEME):
        yield f"`for` is for attacks and schemes, and {entry.id} is neither"
    if entry.id == KEYWORDS.get(kind):
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


def of_data(plan: Plan, catalog: Catalog, code: Collection[Place], folder: Path | None) -> Iterator[Found]:
    """Checks of datasets that name code, or are fetched, which `of_methods` left out."""
    for kind, place, entry in entries(plan):
        if kind is Kind.DATASET and place in code:
            for spec in specs(entry):
                yield from ((place, problem) for problem in _data_problems(catalog, spec, folder))


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
    needs = needs_of_entry(catalog, entry)
    if entry.id != "none":
        yield from access_problems(given, needs, entry.id)
    if Need.LABELS in needs and (none or not given.labels):
        yield f"attack {entry.id} needs labelled images; set attacker.data and attacker.labels: true"
    elif Need.DATA in needs and none and not given.transfer:
        yield f"attack {entry.id} needs images, but its attacker is given none; set attacker.data or attacker.transfer"
