"""Names that say whose method is meant: `distribution/id`, methods nested in it included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ownmark.discovery import Catalog, nested_fields
from ownmark.errors import OwnmarkError
from ownmark.methods import Declaration, Kind
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.plan import Entry, Plan, TaskEntry

_KEYWORDS = {Kind.ATTACK: "none", Kind.EXTRACTOR: "default"}
Naming = Callable[[Declaration, str], str]
"""(method, name as it was written) -> name to write."""


def full_name(method: Declaration, written: str = "") -> str:
    """The name that no other distribution can claim."""
    return f"{method.distribution}/{method.id}"


def qualified(catalog: Catalog, kind: Kind, spec: Spec, home: str = "") -> Spec:
    """The same method, named in full; for files that are read beside other packs than they were written beside."""
    id, params = _named(catalog, kind, spec.id, spec.parameters, home, full_name)
    return Spec(id, canonical(params), spec.label or spec.id.rpartition("/")[2])


def at_home(plan: Plan, catalog: Catalog, home: str) -> Plan:
    """A plan that the distribution `home` brings: names that several packs have mean its own methods, then those of
    what it requires."""

    def naming(method: Declaration, written: str) -> str:
        return written if catalog.spelling(method) == written else full_name(method)

    def entry(kind: Kind, one: Entry) -> Entry:
        if one.id == _KEYWORDS.get(kind):
            return one
        try:
            id, params = _named(catalog, kind, one.id, one.params, home, naming)
        except OwnmarkError:  # told when the plan is checked
            return one
        return replace(one, id=id, params=params)

    def entries(kind: Kind, listed: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return tuple(entry(kind, one) for one in listed)

    tasks = tuple(
        TaskEntry(dataset=entry(Kind.DATASET, one.dataset), host=entry(Kind.HOST, one.host))
        for one in plan.tasks
    )
    return replace(
        plan, tasks=tasks, datasets=entries(Kind.DATASET, plan.datasets), hosts=entries(Kind.HOST, plan.hosts),
        schemes=entries(Kind.SCHEME, plan.schemes), attacks=entries(Kind.ATTACK, plan.attacks),
        extractors=entries(Kind.EXTRACTOR, plan.extractors), metrics=entries(Kind.METRIC, plan.metrics),
        transfer=plan.transfer and entry(Kind.DATASET, plan.transfer),
    )  # fmt: skip


def _named(
    catalog: Catalog, kind: Kind, id: str, params: Mapping[str, Any], home: str, naming: Naming
) -> tuple[str, dict[str, Any]]:
    method = catalog.find(kind, id, home)
    found = dict(params)
    for name, inner in nested_fields(method.load_config()).items():
        if name in found:
            found[name] = _nested(catalog, inner, found[name], home, naming)
    return naming(method, id), found


def _nested(catalog: Catalog, kind: Kind, value: Any, home: str, naming: Naming) -> Any:
    if isinstance(value, list | tuple):
        return [_nested(catalog, kind, one, home, naming) for one in value]
    if isinstance(value, str):
        return _named(catalog, kind, value, {}, home, naming)[0]
    if isinstance(value, Mapping) and set(value) <= {"id", "params"} and "id" in value:
        id, params = _named(catalog, kind, value["id"], value.get("params") or {}, home, naming)
        return {"id": id, "params": params}
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        id, params = _named(catalog, kind, str(name), inner or {}, home, naming)
        return {id: params}
    return value
