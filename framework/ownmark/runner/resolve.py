"""From a plan's specs to methods: declarations, instances and identities, each made once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ownmark.contracts.dataset import Dataset, Images
from ownmark.discovery import Catalog, nested_fields
from ownmark.methods import Declaration, Kind, Need
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.digest import identity


@dataclass(frozen=True)
class Method:
    """A method ready to be used, with what its results depend on."""

    declaration: Declaration
    instance: Any
    identity: Mapping[str, Any]

    def needs(self, need: Need) -> bool:
        """Whether the declaration asks for it."""
        return need in self.declaration.needs


class Methods:
    """Resolves specs through the catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.get = functools.cache(self._get)
        self.images = functools.cache(self._images)

    def _get(self, kind: Kind, spec: Spec) -> Method:
        declaration = self.catalog.find(kind, spec.id)
        instance = self.catalog.build(kind, spec.id, spec.parameters)
        return Method(declaration, instance, self._identity(kind, spec.id, spec.parameters))

    def _identity(self, kind: Kind, id: str, params: Mapping[str, Any]) -> dict[str, Any]:
        declaration, config, _ = self.catalog.validate(kind, id, params)
        nested = []
        for name, inner in (nested_fields(type(config)) if config is not None else {}).items():
            value = getattr(config, name)
            several = value if isinstance(value, tuple | list) else [value]
            nested += [self._identity(inner, one.id, one.params) for one in several if one is not None]
        return identity(declaration, config, nested)

    def _images(self, spec: Spec) -> Images:
        dataset: Dataset = self.get(Kind.DATASET, spec).instance
        return dataset.load()

    def extractor_of(self, scheme: Spec, extractor: Spec | None) -> Method:
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
        return Spec(self.catalog.spelling(declaration) or declaration.name, "{}", declaration.id)
