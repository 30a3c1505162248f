"""From a plan's specs to methods: declarations, instances and identities, each made once."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark.config import Nested
from ownmark.contracts.dataset import Images
from ownmark.contracts.returned import returned
from ownmark.contracts.tasks import FORMS, GOALS
from ownmark.discovery import Catalog, nested_fields
from ownmark.errors import blamed
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.beside import placed
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.digest import identity
from ownmark.runner.looking import looked_at
from ownmark.runner.sources import source_digest


@dataclass(frozen=True)
class Method:
    """A method ready to be used, with what its results depend on."""

    declaration: Declaration
    instance: Any
    identity: Mapping[str, Any]

    needed: frozenset[Need] = frozenset()
    pack: str = ""
    """Whose it is, as `Catalog.whose` has it."""

    def needs(self, need: Need) -> bool:
        """Whether the declaration asks for it, or that of a method nested in it."""
        return need in self.needed


class Methods:
    """Resolves specs through the catalogue.

    Args:
        beside: the plan's folder, in which files that it names are looked for first.
    """

    def __init__(self, catalog: Catalog, beside: Path | None = None) -> None:
        self.catalog = catalog
        self.used: dict[str, Declaration] = {}
        """By name, what was asked for."""
        self._beside = beside
        self.get = functools.cache(self._get)
        self.source = functools.cache(source_digest)
        self.extractor_of = functools.cache(self._extractor_of)
        self.images = functools.cache(self._images)

    def _get(self, kind: Kind, spec: Spec) -> Method:
        declaration = self.catalog.find(kind, spec.id)
        self.used[f"{kind}:{declaration.name}"] = declaration
        params = placed(self.catalog, kind, spec.id, spec.parameters, self._beside)
        instance = self.catalog.build(kind, spec.id, params)
        needed = needs_of(self.catalog, kind, spec.id, spec.parameters)
        made_of = self._identity(kind, spec.id, spec.parameters)
        return Method(declaration, instance, made_of, needed, self.catalog.whose(declaration))

    def _identity(self, kind: Kind, id: str, params: Mapping[str, Any]) -> dict[str, Any]:
        declaration, config, _ = self.catalog.validate(kind, id, params)
        nested = [self._identity(inner, one.id, one.params) for inner, one in _nested(config)]
        return identity(declaration, config, nested, self.source)

    def _images(self, spec: Spec) -> Images:
        method = self.get(Kind.DATASET, spec)
        with blamed(f"dataset {spec.label}", method.pack):
            return looked_at(returned(method.instance.load(), Images, "load"), spec.label)

    def home(self, kind: Kind, spec: Spec) -> str:
        """The distribution of a method, whose own defaults mean its own methods."""
        return self.catalog.find(kind, spec.id).distribution

    def _extractor_of(self, scheme: Spec, extractor: Spec | None) -> Method:
        """The named extractor, or the scheme's own; an extractor that wraps another one, left open, wraps that."""
        own = self.own_extractor(scheme)
        if extractor is None:
            return self.get(Kind.EXTRACTOR, own)
        kinds = nested_fields(self.catalog.find(Kind.EXTRACTOR, extractor.id).load_config())
        wrapped = {name: own.id for name, kind in kinds.items() if kind is Kind.EXTRACTOR}
        return self.get(
            Kind.EXTRACTOR, Spec(extractor.id, canonical(wrapped | extractor.parameters), extractor.label)
        )

    def own_extractor(self, scheme: Spec) -> Spec:
        """The scheme's default extractor, with its default parameters."""
        declaration = self.catalog.default_extractor(self.catalog.find(Kind.SCHEME, scheme.id))
        return Spec(f"{declaration.distribution}/{declaration.id}", "{}", declaration.id)


_INHERITED = frozenset(
    {
        Need.DATA,
        Need.LABELS,
        Need.MAY_USE_DATA,
        Need.TRANSFER,
        Need.EMBEDDED_KEY,
        Need.OWN_COPY,
        Need.UNSEEN,
        *FORMS,
        *GOALS,
    }
)
"""Needs that a method has because one nested in it has them."""


def needs_of(
    catalog: Catalog, kind: Kind, id: str, params: Mapping[str, Any], home: str = ""
) -> frozenset[Need]:
    """What a method with these parameters needs: as declared, as its parameter class says in a method `needs`, and as
    methods nested in it do; `home` as for `Catalog.find`."""
    declaration, config, _ = catalog.validate(kind, id, params, home=home)
    own = frozenset(config.needs()) if hasattr(config, "needs") else frozenset()
    inner = (needs_of(catalog, kind, one.id, one.params) & _INHERITED for kind, one in _nested(config))
    return declaration.demands.union(own, *inner)


def waits(catalog: Catalog, kind: Kind, id: str, params: Mapping[str, Any]) -> bool:
    """Whether using a method, or one nested in it, runs code or fetches data that its parameters name.

    The parameter class says so by `sources()`, names of modules, and `fetched()`; nothing is imported to find out.
    """
    _, config, _ = catalog.validate(kind, id, params)
    own = any(getattr(config, what)() for what in ("sources", "fetched") if hasattr(config, what))
    return own or any(waits(catalog, kind, one.id, one.params) for kind, one in _nested(config))


def _nested(config: Any) -> Iterator[tuple[Kind, Nested]]:
    """The methods in a configuration, with their kinds."""
    for name, kind in (nested_fields(type(config)) if config is not None else {}).items():
        value = getattr(config, name)
        for one in value if isinstance(value, tuple | list) else [value]:
            if one is not None:
                yield kind, one
