"""A method under test: built with its smoke arguments, run once, and looked at by many checks."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ownmark.discovery import Catalog, discover, nested_fields
from ownmark.errors import OwnmarkError
from ownmark.methods import Declaration, Kind
from ownmark.testing.attacked import Attacking
from ownmark.testing.check import CheckFailed, CheckSkipped
from ownmark.testing.embedded import Embedding
from ownmark.testing.workbench import Workbench, workbench_for

_KEPT = 12


class Subject:
    """A declaration with everything a check may ask of it.

    Args:
        catalog: where it and the methods it works with are found.
    """

    def __init__(self, declaration: Declaration, catalog: Catalog) -> None:
        self.declaration = declaration
        self.catalog = catalog

    @property
    def label(self) -> str:
        """For messages: `attack repair/prune`."""
        return f"{self.declaration.kind} {self.declaration.name}"

    @property
    def spelling(self) -> str:
        """The name by which the catalogue finds it."""
        return self.catalog.spelling(self.declaration) or self.declaration.name

    @property
    def bench(self) -> Workbench:
        """Host, images and null models of the method's `smoke_host`."""
        return workbench_for(self.declaration)

    def build(self, **changes: Any) -> Any:
        """An instance with the smoke arguments and `changes`."""
        params = {**self.declaration.smoke, **changes}
        return self.catalog.build(self.declaration.kind, self.spelling, params)

    @cached_property
    def instance(self) -> Any:
        """The instance that all checks use, so that one that keeps state between calls is found out."""
        return self.build()

    @cached_property
    def embedding(self) -> Embedding:
        """Of schemes: the key, the marked network, and what reads them."""
        return Embedding(self.instance, self.bench, subject_for(self._reader(), self.catalog))

    @cached_property
    def attacking(self) -> Attacking:
        """Of attacks: what they do to the kit's marked network."""
        return Attacking(self.instance, self.bench, self.declaration.needs)

    @cached_property
    def marking(self) -> Embedding:
        """Of extractors: a marked network, with its key, that this extractor reads.

        Raises:
            CheckSkipped: no installed scheme is read by it.
        """
        wanted = {method.name for method in self._read_by_nested()} | {self.declaration.name}
        schemes = sorted(
            (scheme for scheme in self.catalog.of(Kind.SCHEME) if self._reads(scheme, wanted)),
            key=lambda scheme: scheme.distribution != self.declaration.distribution,
        )
        if not schemes:
            raise CheckSkipped(f"no installed scheme names {self.declaration.name} as its extractor")
        made = subject_for(schemes[0], self.catalog).embedding
        return dataclasses.replace(made, reader=self)

    def _reader(self) -> Declaration:
        try:
            return self.catalog.default_extractor(self.declaration)
        except OwnmarkError as error:
            raise CheckFailed(f"{self.label} is read by {self.declaration.extractor!r}: {error}") from error

    def _reads(self, scheme: Declaration, wanted: set[str]) -> bool:
        try:
            return self.catalog.default_extractor(scheme).name in wanted
        except OwnmarkError:
            return False

    def _read_by_nested(self) -> Iterator[Declaration]:
        """Extractors that the smoke arguments put into this one."""
        config = getattr(self.instance, "config", None)
        for name, kind in nested_fields(type(config)).items() if config is not None else ():
            value = getattr(config, name)
            for nested in value if isinstance(value, tuple | list) else (value,):
                if kind is Kind.EXTRACTOR and nested is not None:
                    yield self.catalog.find(kind, nested.id)


_subjects: OrderedDict[tuple[int, str, str, str], Subject] = OrderedDict()


def subject_for(declaration: Declaration, catalog: Catalog | None = None) -> Subject:
    """The subject of a declaration; the last few are kept, with the networks they hold.

    Args:
        catalog: the installed methods if not given. A declaration that is not in it is added.
    """
    base = catalog or discover()
    key = (id(base), str(declaration.kind), declaration.name, declaration.target)
    if key not in _subjects:
        known = any(method is declaration or method == declaration for method in base.methods)
        full = base if known else dataclasses.replace(base, methods=(*base.methods, declaration))
        _subjects[key] = Subject(declaration, full)
        _subjects[key].base = base  # type: ignore[attr-defined]  # keeps its id from being given to another
    _subjects.move_to_end(key)
    while len(_subjects) > _KEPT:
        _subjects.popitem(last=False)
    return _subjects[key]
