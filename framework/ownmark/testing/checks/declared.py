"""Checks of declarations and parameter classes: every kind. Most of them never import the method."""

from __future__ import annotations

from typing import Any

from ownmark.contracts import Attack, Dataset, Extractor, Host, Scheme
from ownmark.contracts.tasks import FORMS, GOALS
from ownmark.discovery.checks import missing_imports
from ownmark.methods import Kind, Need
from ownmark.testing.check import CheckSkipped, check, require
from ownmark.testing.imports import installed_distributions, light_methods
from ownmark.testing.states import listed
from ownmark.testing.subject import Subject

_SOURCED = (Kind.SCHEME, Kind.EXTRACTOR, Kind.ATTACK)
_CONTRACTS: dict[Kind, type] = {
    Kind.SCHEME: Scheme, Kind.EXTRACTOR: Extractor, Kind.ATTACK: Attack, Kind.DATASET: Dataset, Kind.HOST: Host,
}  # fmt: skip
_ACCESS = frozenset({Need.WHITE_BOX, Need.BLACK_BOX})
_TASKS = frozenset({*FORMS, *GOALS})
INPUTS = (
    Need.PREDICTIONS, Need.REFERENCE, Need.EVIDENCE, Need.THRESHOLD, Need.WEIGHTS, Need.GENERATED, Need.CAPTIONS,
)  # fmt: skip
_ALLOWED = {
    Kind.SCHEME: {
        *_ACCESS, *_TASKS, Need.OWN_COPY, Need.EMBEDDED_KEY, Need.NORM, Need.DATA, Need.LABELS, Need.UNSEEN,
    },
    Kind.EXTRACTOR: {*_ACCESS, *_TASKS, Need.OWN_COPY, Need.EMBEDDED_KEY, Need.NORM},
    Kind.ATTACK: {
        *_ACCESS, *_TASKS, Need.DATA, Need.LABELS, Need.MAY_USE_DATA, Need.NORM, Need.SCORES, Need.COPIES,
    },
    Kind.METRIC: {*INPUTS, Need.CLASSES},
    Kind.DATASET: set(), Kind.HOST: set(), Kind.PLAN: set(),
}  # fmt: skip


@check(light=True)
def declaration_has_a_line_for_lists(subject: Subject) -> None:
    """The summary is one line of at most 120 characters."""
    summary = subject.declaration.summary
    require(summary.strip() and "\n" not in summary, f"{subject.label}: give it a summary of one line")
    require(
        len(summary) <= 120, f"{subject.label}: its summary has {len(summary)} characters; 120 fit a line"
    )


@check(*_SOURCED, light=True)
def declaration_names_its_source(subject: Subject) -> None:
    """Schemes, extractors and attacks name a paper, or say among the deviations why there is none."""
    declaration = subject.declaration
    stated = any(line.lower().startswith("no paper") for line in declaration.deviations)
    require(
        declaration.paper is not None or stated,
        f"{subject.label} names no source; give it paper=Paper(...), or a deviation that begins with 'no paper: '",
    )


@check(light=True)
def declaration_needs_suit_its_kind(subject: Subject) -> None:
    """Needs are those of the kind; schemes and extractors have an access, metrics one input."""
    needs = subject.declaration.needs
    foreign = sorted(str(need) for need in needs - _ALLOWED[subject.declaration.kind])
    require(
        not foreign, f"{subject.label} needs {listed(foreign)}, which says nothing for its kind; remove it"
    )
    if subject.declaration.kind is Kind.EXTRACTOR:
        require(len(needs & _ACCESS) == 1, f"{subject.label} must need either white-box or black-box access")
    if subject.declaration.kind is Kind.SCHEME:
        require(
            needs & _ACCESS,
            f"{subject.label} must say by white-box or black-box access how its mark is read, as its extractor does",
        )
    if subject.declaration.kind is Kind.METRIC:
        names = listed(map(str, INPUTS), len(INPUTS))
        require(len(needs & set(INPUTS)) == 1, f"{subject.label} must need exactly one of {names}")


@check(light=True)
def declaration_documents_parameters(subject: Subject) -> None:
    """Every parameter has a help text, the docstring under the field."""
    config: Any = subject.declaration.load_config()
    fields = {} if config is None else getattr(config, "__pydantic_fields__", None)
    require(
        fields is not None,
        f"{subject.label}: {subject.declaration.config} is no parameter class; put @configuration above it",
    )
    bare = [name for name, field in (fields or {}).items() if not (field.description or "").strip()]
    require(not bare, f"{subject.label}: no help text for {listed(bare)}; put a docstring under the field")


@check(light=True)
def declaration_smoke_arguments_validate(subject: Subject) -> None:
    """The tiny arguments, and those of doing nothing, fit the parameter class."""
    declaration = subject.declaration
    for name, params in (("smoke", {}), ("idle", declaration.idle)):
        checked = subject.catalog.validate(
            declaration.kind, subject.spelling, {**declaration.smoke, **params}
        )
        problems = [p for p in checked.problems if p not in missing_imports(declaration)]
        require(not problems, f"{subject.label}: its {name} arguments are wrong: {'; '.join(problems)}")


@check(light=True)
def declaration_refuses_unknown_parameters(subject: Subject) -> None:
    """A misspelt parameter is an error, not silence."""
    params = {**subject.declaration.smoke, "no_such_parameter": 1}
    problems = subject.catalog.validate(subject.declaration.kind, subject.spelling, params).problems
    require(
        any("no_such_parameter" in problem for problem in problems),
        f"{subject.label} accepts the unknown parameter 'no_such_parameter'; make its class with @configuration",
    )


@check(light=True)
def declaration_imports_lightly(subject: Subject) -> None:
    """The module with the hooks loads without torch, pydantic and Lightning."""
    method = subject.declaration
    if method.distribution not in installed_distributions():
        raise CheckSkipped(
            f"{method.distribution or 'its distribution'} is not installed, so nothing is listed"
        )
    require(
        f"{method.kind}:{method.name}" in light_methods(),
        f"{subject.label} is not listed where torch and pydantic cannot be imported; let the module of its entry "
        "point import ownmark.hookspecs and ownmark.methods only, and name everything else by strings",
    )


@check()
def declaration_target_keeps_the_contract(subject: Subject) -> None:
    """The class behind `target` implements its kind and can be made."""
    declaration = subject.declaration
    if declaration.kind is Kind.PLAN:
        return
    target = declaration.load()
    if declaration.kind is Kind.METRIC:
        lacking = [name for name in ("update", "compute", "reset") if not hasattr(target, name)]
        require(not lacking, f"{subject.label} lacks {listed(lacking)}; subclass torchmetrics.Metric")
    else:
        contract = _CONTRACTS[declaration.kind]
        derived = isinstance(target, type) and issubclass(target, contract)
        require(derived, f"{subject.label}: {declaration.target} is no {contract.__name__}; subclass it")
    require(subject.instance is not None, f"{subject.label} cannot be made")
